import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asksForJson, errorDocument, printDocument, resultDocument } from '../../src/cli/result-document.ts'

describe('the document of --json', () => {
  it('holds of an error what ErrorInfo has and nothing that hangs on it besides', () => {
    const thrown = Object.assign(new Error('broke'), {
      headers: { authorization: 'Basic canary' },
      oclif: { exit: 2 },
    })
    const text = printDocument(errorDocument('ls', thrown, []))
    expect(JSON.parse(text)).toEqual({
      schema: 'dray.result/v1',
      command: 'ls',
      ok: false,
      error: { code: 'internal', message: 'broke' },
      warnings: [],
    })
  })

  it('reads back the same, and is ASCII without controls but line ends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const document = resultDocument('x', true, { a, b }, [a])
        const text = printDocument(document)
        expect(JSON.parse(text)).toEqual(document)
        expect(text).toMatch(/^[\n\u0020-\u007e]*$/)
      }),
    )
  })

  it('is asked for by --json before --', () => {
    expect(asksForJson(['ls', '--json'])).toBe(true)
    expect(asksForJson(['ls', '--', '--json'])).toBe(false)
  })
})
