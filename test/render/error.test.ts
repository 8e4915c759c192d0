import { describe, expect, it } from 'vitest'
import { renderError, renderWarning } from '../../src/render/error.ts'
import { plainStyle } from '../../src/render/text/style.ts'

describe('renderError', () => {
  it('shows the failure with its subject, the reason of the registry and a hint', () => {
    const error = {
      code: 'forbidden' as const,
      message: 'the registry does not allow the push',
      subject: 'r.example.com/a',
      why: 'denied: requested access to the resource is denied',
      status: 403,
      registryCode: 'DENIED',
      hint: 'Log in with an account that may push.',
    }
    expect(renderError(error, plainStyle)).toBe(
      [
        'error: the registry does not allow the push: r.example.com/a',
        '  why: HTTP 403, DENIED, denied: requested access to the resource is denied',
        '  fix: Log in with an account that may push.',
      ].join('\n'),
    )
  })

  it('does not repeat text', () => {
    const error = {
      code: 'not-found' as const,
      message: 'a:1 is missing',
      subject: 'a:1',
      why: '404 MANIFEST_UNKNOWN',
      status: 404,
      registryCode: 'MANIFEST_UNKNOWN',
    }
    expect(renderError(error, plainStyle)).toBe('error: a:1 is missing\n  why: 404 MANIFEST_UNKNOWN')
  })

  it('shows each detail on one line', () => {
    const error = {
      code: 'config' as const,
      message: 'dray.yaml has 2 mistakes',
      details: ['dray.yaml:1:1: first', 'dray.yaml:2:1: second\n::error::third'],
      subject: 'dray.yaml',
      hint: 'Correct the file.',
    }
    expect(renderError(error, plainStyle)).toBe(
      [
        'error: dray.yaml has 2 mistakes:',
        '  dray.yaml:1:1: first',
        String.raw`  dray.yaml:2:1: second\n::error::third`,
        '  fix: Correct the file.',
      ].join('\n'),
    )
  })

  it('shows each line of a long cause on a line of its own, and escapes it', () => {
    const why = 'dev: unknown key "a"\r\n\n::error::prod: unknown key "b"\n\u001b[2Jfix: run this\n'
    const error = {
      code: 'config' as const,
      message: 'two mistakes:\nfirst\nsecond',
      why,
      hint: 'Correct it.',
    }
    expect(renderError(error, plainStyle)).toBe(
      [
        'error: two mistakes:',
        '  first',
        '  second',
        '  why: dev: unknown key "a"',
        String.raw`       \x3a:error::prod: unknown key "b"`,
        String.raw`       \x1b[2Jfix: run this`,
        '  fix: Correct it.',
      ].join('\n'),
    )
  })

  it('shows at most 20 lines of a cause, and loses nothing of it', () => {
    const why = Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n')
    const lines = renderError({ code: 'io', message: 'it failed', why }, plainStyle).split('\n')
    expect(lines).toHaveLength(21)
    expect(lines.at(-1)).toContain(String.raw`line 19\nline 20\n`)
    expect(lines.at(-1)).toMatch(/line 29$/)
  })

  it('shows a cancelled prompt as no error', () => {
    const error = { code: 'cancelled' as const, message: 'nothing was changed: the answer was no' }
    expect(renderError(error, plainStyle)).toBe('Cancelled.')
  })

  it('escapes line feeds and colours of a registry', () => {
    const evil = '\u001b[2J\n::error::gone'
    const error = { code: 'protocol' as const, message: evil, subject: evil, why: evil, hint: evil }
    for (const text of [renderError(error, plainStyle), renderWarning(evil, plainStyle)]) {
      expect(text).not.toContain('\u001b')
      expect(text).not.toMatch(/^\s*::/m)
    }
  })
})
