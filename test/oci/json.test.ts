import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../src/lib/errors.ts'
import { checkSpelling, parseJson, spellings, stringMap } from '../../src/oci/json.ts'
import { anyText } from '../support/any-text.ts'

const messageOf = (text: string | Uint8Array): string => {
  try {
    parseJson(text, 'it')
    return ''
  } catch (error) {
    return isDrayError(error) && error.code === 'malformed' ? error.message : `not ours: ${String(error)}`
  }
}

const nest = (n: number): string => '['.repeat(n) + ']'.repeat(n)

/** Keys as they may be written, of which many are equal. */
const keyTexts = fc.constantFrom(
  String.raw`"a"`,
  String.raw`"\u0061"`,
  String.raw`"a\""`,
  String.raw`"a\\"`,
  String.raw`"\\u0061"`,
  String.raw`"\\"`,
  String.raw`"a:{,"`,
  String.raw`"\ud83d\ude00"`,
  '"😀"',
  String.raw`"\ud800"`,
  String.raw`"\udfff"`,
  '"\ufffd"',
  '"\ud800"',
  '"__proto__"',
  '"1"',
  '""',
)

interface Written {
  readonly text: string
  /** whether an object has equal keys */
  readonly repeats: boolean
}

/** JSON as it may be written, and whether a key stands twice in an object. */
const { written } = fc.letrec<{ written: Written; object: Written; list: Written }>((tie) => ({
  written: fc.oneof(
    { depthSize: 'small' },
    keyTexts.map((text) => ({ text, repeats: false })),
    fc.constantFrom('1', 'null', 'true', '{}', '[]').map((text) => ({ text, repeats: false })),
    tie('object'),
    tie('list'),
  ),
  object: fc.array(fc.tuple(keyTexts, tie('written')), { maxLength: 4 }).map((members) => {
    const keys = new Set(members.map(([key]) => (JSON.parse(key) as string).toWellFormed()))
    return {
      text: `{${members.map(([key, { text }]) => `${key} : ${text}`).join(',')}}`,
      repeats: keys.size < members.length || members.some(([, { repeats }]) => repeats),
    }
  }),
  list: fc.array(tie('written'), { maxLength: 4 }).map((items) => ({
    text: `[${items.map(({ text }) => text).join(', ')}]`,
    repeats: items.some(({ repeats }) => repeats),
  })),
}))

describe('JSON from a registry', () => {
  it('parses every value that JSON.stringify prints', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value, undefined, 1)
        expect(parseJson(Buffer.from(text), 'it')).toEqual(JSON.parse(text))
      }),
    )
  })

  it('is parsed or is a DrayError, for any bytes and any text', () => {
    const tokens = fc.constantFrom(
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
    const soup = fc.array(tokens).map((p) => p.join(''))
    fc.assert(
      fc.property(fc.oneof(soup, anyText(), fc.uint8Array()), (input) => {
        expect(messageOf(input)).not.toMatch(/^not ours/)
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
    expect(messageOf(text)).toContain('twice')
  })

  it.each([
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2},"a","a"]',
    '{"a":"a","b":["a","a",{"a":"b"}]}',
    String.raw`{"a\"":1,"a":"\\","b":"\"a\":"}`,
  ])('accepts %s', (text) => {
    expect(messageOf(text)).toBe('')
  })

  it('is refused with a duplicate key at any place', () => {
    const object = fc.dictionary(anyText(), fc.jsonValue({ maxDepth: 2 }), { minKeys: 1 })
    fc.assert(
      fc.property(object, fc.nat(), (value, pick) => {
        const keys = Object.keys(value)
        const again = keys[pick % keys.length] ?? ''
        const text = `${JSON.stringify(value).slice(0, -1)},${JSON.stringify(again)}:0}`
        expect(messageOf(text)).toContain('twice')
      }),
    )
  })

  it('is refused exactly if an object has two keys that other parsers may take for one', () => {
    fc.assert(
      fc.property(written, ({ text, repeats }) => {
        expect(messageOf(text)).toMatch(repeats ? /twice/ : /^$/)
      }),
      { numRuns: 3000 },
    )
  })

  it('is parsed with the keys that it has, whatever was parsed before', () => {
    // V8 13.6 takes the second key of a text for that of an earlier one, if only one key ever
    // followed the first.
    const plain = keyTexts.filter((key) => !JSON.stringify(JSON.parse(key)).includes('\\'))
    let run = 0
    fc.assert(
      fc.property(keyTexts, plain, (before, key) => {
        const first = `first ${run++}`
        messageOf(`{"${first}":1,${before}:1}`)
        expect(parseJson(`{"${first}":1,${key}:1}`, 'it')).toEqual({
          [first]: 1,
          [JSON.parse(key) as string]: 1,
        })
      }),
      { numRuns: 1000 },
    )
  })

  it('is refused with too deep nesting before it is parsed', () => {
    expect(messageOf(nest(64))).toBe('')
    expect(messageOf(nest(65))).toContain('deeper than 64')
    // The parser would report "not JSON", so the check of the nesting comes before it.
    expect(messageOf(`${'{"a":'.repeat(1_000_000)} and then rubbish`)).toContain('deeper than 64')
    expect(messageOf(`"${'['.repeat(1000)}"`)).toBe('')
  })

  it('is refused if it is not UTF-8, has a byte order mark, or has text after the value', () => {
    expect(messageOf(Uint8Array.of(0x22, 0xff, 0x22))).toContain('UTF-8')
    expect(messageOf(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d))).toContain('not JSON')
    expect(messageOf('{} {}')).toContain('not JSON')
    expect(messageOf('"unended')).toContain('not JSON')
    expect(messageOf('{"a\\')).toContain('not JSON')
  })
})

describe('keys that Go treats as a field', () => {
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
  it('is parsed with __proto__ as an ordinary key', () => {
    const value = stringMap(parseJson('{"__proto__":"x","a":"b"}', 'it'), 'it')
    expect(Object.entries(value ?? {})).toEqual([
      ['__proto__', 'x'],
      ['a', 'b'],
    ])
  })

  it.each([[[]], ['a'], [{ a: 1 }], [{ a: {} }]])('is refused if it is %j', (value) => {
    expect(() => stringMap(value, 'it')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('has an empty text for a value that is null, as in Go', () => {
    expect(stringMap({ a: null, b: 'c' }, 'it')).toEqual({ a: '', b: 'c' })
  })
})
