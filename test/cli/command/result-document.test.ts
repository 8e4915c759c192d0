import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createErrorDocument,
  printDocument,
  createResultDocument,
} from '../../../src/cli/command/result-document.ts'
import { DrayError, toErrorInfo } from '../../../src/lib/errors.ts'

describe('the document of --json', () => {
  it('contains only the fields of ErrorInfo of an error', () => {
    const thrown = Object.assign(new Error('broke'), {
      headers: { authorization: 'Basic canary' },
      oclif: { exit: 2 },
    })
    const text = printDocument(createErrorDocument('ls', thrown, []))
    expect(JSON.parse(text)).toEqual({
      schema: 'dray.result/v1',
      command: 'ls',
      ok: false,
      error: { code: 'internal', message: 'broke' },
      warnings: [],
    })
  })

  it('is parsed to the same value, and is ASCII without control characters except line feeds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const document = createResultDocument('x', true, { a, b }, [a])
        const text = printDocument(document)
        expect(JSON.parse(text)).toEqual(document)
        expect(text).toMatch(/^[\n\u0020-\u007e]*$/)
      }),
    )
  })

  it.each(['##vso[task.setvariable]x', 'a ###[error]b', '##TeamCity[x]', '####vso[x]'])(
    'contains no command of a CI service: %s',
    (text) => {
      const document = createResultDocument('x', true, text, [text])
      expect(JSON.parse(printDocument(document))).toEqual(document)
      expect(printDocument(document)).not.toMatch(/##(?:vso|teamcity)?\[/i)
    },
  )

  it('contains only the beginning of a long error', () => {
    const lines = Array.from({ length: 5000 }, () => 'x'.repeat(10_000))
    const error = new DrayError('malformed', 'm'.repeat(10 ** 6), {
      why: 'w'.repeat(10 ** 6),
      details: lines,
    })
    const { message, why, details } = toErrorInfo(error)
    expect([message, why]).toEqual([`${'m'.repeat(4096)}…`, `${'w'.repeat(4096)}…`])
    expect(details).toHaveLength(1001)
    expect(details?.at(-1)).toBe('and 4000 more')
  })
})
