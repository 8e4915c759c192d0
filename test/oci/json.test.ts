import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../src/lib/errors.ts'
import { checkSpelling, parseJson, spellings, stringMap } from '../../src/oci/json.ts'
import { anyText } from '../support/any-text.ts'

const said = (text: string | Uint8Array): string => {
  try {
    parseJson(text, 'it')
    return ''
  } catch (error) {
    return isDrayError(error) && error.code === 'malformed' ? error.message : `not ours: ${String(error)}`
  }
}

const nest = (n: number): string => '['.repeat(n) + ']'.repeat(n)

describe('JSON from a registry', () => {
  it('reads every value that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value, undefined, 1)
        expect(parseJson(Buffer.from(text), 'it')).toEqual(JSON.parse(text))
      }),
    )
  })

  it('throws nothing but our error, for any bytes and any text', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '"a"',
      '\\u0061',
      '1',
      'null',
      ' ',
    )
    const soup = fc.array(pieces).map((p) => p.join(''))
    fc.assert(
      fc.property(fc.oneof(soup, anyText(), fc.uint8Array()), (input) => {
        expect(said(input)).not.toMatch(/^not ours/)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['plain', '{"a":1,"a":1}'],
    ['escaped', String.raw`{"a":1,"\u0061":1}`],
    ['escaped another way', String.raw`{"/":1,"\/":1}`],
    ['behind a nested object', '{"a":{"b":[1]},"a":1}'],
    ['deep inside', '[{"x":{"a":"},{","a":1}}]'],
    ['empty', '{"":1,"":2}'],
    ['__proto__', '{"__proto__":1,"__proto__":2}'],
    ['halves of surrogate pairs, which other parsers cannot tell apart', String.raw`{"\ud800":1,"\ud801":2}`],
    ['a half and its replacement', String.raw`{"\ud800":1,"\ufffd":2}`],
  ])('refuses a key that stands twice in an object: %s', (_, text) => {
    expect(said(text)).toContain('twice')
  })

  it.each([
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2},"a","a"]',
    '{"a":"a","b":["a","a",{"a":"b"}]}',
    String.raw`{"a\"":1,"a":"\\","b":"\"a\":"}`,
  ])('takes %s, where none does', (text) => {
    expect(said(text)).toBe('')
  })

  it('refuses a duplicate wherever it is put', () => {
    const object = fc.dictionary(anyText(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 })
    fc.assert(
      fc.property(object, fc.nat(), (value, pick) => {
        const keys = Object.keys(value)
        const again = keys[pick % keys.length] ?? ''
        const text = `${JSON.stringify(value).slice(0, -1)},${JSON.stringify(again)}:0}`
        expect(said(text)).toContain('twice')
      }),
    )
  })

  it('refuses nesting before the parser sees it, however deep, and what follows', () => {
    expect(said(nest(64))).toBe('')
    expect(said(nest(65))).toContain('deeper than 64')
    // the parser would have said "not JSON": it was not asked
    expect(said(`${'{"a":'.repeat(1_000_000)} and then rubbish`)).toContain('deeper than 64')
    expect(said(`"${'['.repeat(1000)}"`)).toBe('')
  })

  it('refuses what is not UTF-8, a byte order mark, and text behind the value', () => {
    expect(said(Uint8Array.of(0x22, 0xff, 0x22))).toContain('UTF-8')
    expect(said(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d))).toContain('not JSON')
    expect(said('{} {}')).toContain('not JSON')
    expect(said('"unended')).toContain('not JSON')
    expect(said('{"a\\')).toContain('not JSON')
  })
})

describe('keys that Go reads as a field', () => {
  const fields = spellings('layers', 'mediaType', 'kind')

  it.each(['Layers', 'LAYERS', 'mediatype', 'layer\u017f', '\u212Aind'])('are refused: %s', (key) => {
    expect(() => checkSpelling({ [key]: 1 }, fields, 'it')).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    )
  })

  it('are accepted if they are the field itself, or no field', () => {
    expect(() => checkSpelling({ layers: 1, mediaType: 1, 'x-Layers': 1 }, fields, 'it')).not.toThrow()
  })
})

describe('a map of strings', () => {
  it('is what it says, with __proto__ as a key like any other', () => {
    const value = stringMap(parseJson('{"__proto__":"x","a":"b"}', 'it'), 'it')
    expect(Object.entries(value ?? {})).toEqual([
      ['__proto__', 'x'],
      ['a', 'b'],
    ])
  })

  it.each([[[]], ['a'], [{ a: 1 }], [{ a: null }]])('is refused if it is none: %j', (value) => {
    expect(() => stringMap(value, 'it')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})
