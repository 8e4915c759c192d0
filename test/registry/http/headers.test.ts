import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../../src/registry/http/auth/challenge.ts'
import { nextLink, rateLimitOf, retryAfterMs, warningTexts } from '../../../src/registry/http/headers.ts'

const now = Date.UTC(2026, 10, 23, 12)
/** The characters with a meaning in headers. */
const hostile = fc.string({
  unit: fc.constantFrom('<', '>', '"', '\\', ';', ',', '=', ' ', 'a', 'rel', '299', 'Bearer', 'next'),
  maxLength: 200,
})

describe('ratelimit-limit and ratelimit-remaining', () => {
  const limitOf = (limit: string, remaining: string) =>
    rateLimitOf(
      new Map([
        ['ratelimit-limit', limit],
        ['ratelimit-remaining', remaining],
      ]),
    )

  it.each([
    ['100;w=21600', '76;w=21600', { limit: 100, remaining: 76, windowS: 21_600 }],
    [' 200;w=21600 ', '0', { limit: 200, remaining: 0, windowS: 21_600 }],
    ['100', '76', undefined],
    ['100;w=21600', '', undefined],
    ['100;w=-1', '76;w=1', undefined],
    ['1e9;w=1', '76;w=1', undefined],
    ['9'.repeat(400), '1;w=1', undefined],
  ])('of %j and %j', (limit, remaining, read) => {
    expect(limitOf(limit, remaining)).toEqual(read)
  })

  it('are undefined if they are absent', () => {
    expect(rateLimitOf(new Map())).toBeUndefined()
  })
})

describe('Link', () => {
  it.each([
    ['</v2/a/tags/list?n=10&last=b>; rel="next"', '/v2/a/tags/list?n=10&last=b'],
    ['<https://r.test/x>; rel=next', 'https://r.test/x'],
    ['<a>; rel="prev", <b>; title="x, y; rel=\\"no\\""; rel="first NEXT"', 'b'],
    ['<a,b;c>;rel=next', 'a,b;c'],
    ['<a>; rel=prev; rel=next', undefined],
    ['<a>', undefined],
    ['a; rel=next', undefined],
    ['<a; rel=next', undefined],
    ['', undefined],
    [`<a>; rel=next, ${' '.repeat(20_000)}`, undefined],
  ])('%.60s is parsed to %s', (value, target) => {
    expect(nextLink(value)).toBe(target)
  })

  it('is parsed to any target that was written', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (target) => {
        fc.pre(!target.includes('>'))
        expect(nextLink(`<x>; rel=prev, <${target}>; rel="next"`)).toBe(target)
      }),
    )
  })
})

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    ['Mon, 23 Nov 2026 12:01:00 GMT', 60_000],
    ['Monday, 23-Nov-26 12:01:00 GMT', 60_000],
    ['Mon Nov 23 12:01:00 2026', 60_000],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['2026-11-23T12:01:00Z', undefined],
    ['Mon, 23 Foo 2026 12:01:00 GMT', undefined],
    ['Mon, 23 Nov 2026 25:01:00 GMT', undefined],
  ])('%s is %s ms', (value, ms) => {
    expect(retryAfterMs(value, now)).toBe(ms)
  })

  it('parses every date that was formatted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), (seconds) => {
        const date = new Date(seconds * 1000)
        expect(retryAfterMs(date.toUTCString(), 0)).toBe(seconds * 1000)
      }),
    )
  })
})

describe('Warning', () => {
  it.each([
    ['299 - "gone soon"', ['gone soon']],
    ['299 - "a \\"b\\"" "Mon, 23 Nov 2026 12:01:00 GMT", 299 host:80 "c"', ['a "b"', 'c']],
    ['110 - "stale", 299 - "x"', ['x']],
    ['299 - no quotes', []],
    ['299', []],
    ['', []],
  ])('%s has the texts %j', (value, texts) => {
    expect(warningTexts(value)).toEqual(texts)
  })
})

describe('WWW-Authenticate', () => {
  const plain = (value: string): [string, Record<string, string>][] =>
    parseChallenges(value).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

  it.each([
    ['Basic', [['basic', {}]]],
    ['basic realm="x"', [['basic', { realm: 'x' }]]],
    [
      'Bearer realm="https://a/t",service="s",scope="repository:a:pull,push"',
      [['bearer', { realm: 'https://a/t', service: 's', scope: 'repository:a:pull,push' }]],
    ],
    [
      'Negotiate, Bearer Realm = "a\\"b" , service=s, Basic realm="c"',
      [
        ['negotiate', {}],
        ['bearer', { realm: 'a"b', service: 's' }],
        ['basic', { realm: 'c' }],
      ],
    ],
    ['Bearer realm="a", realm="b"', [['bearer', { realm: 'a' }]]],
    [', ,Basic realm="a", ', [['basic', { realm: 'a' }]]],
    ['Basic realm="never ends', []],
    ['"', []],
    ['', []],
  ])('is parsed: %s', (value, challenges) => {
    expect(plain(value)).toEqual(challenges)
  })

  it('is parsed to any challenge that was written', () => {
    const name = fc.stringMatching(/^[a-z]{1,10}$/)
    const values = fc.dictionary(name, fc.string({ unit: 'grapheme-ascii', maxLength: 30 }), {
      minKeys: 1,
      maxKeys: 8,
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 5 }), (challenges) => {
        const text = challenges
          .map(
            (one) =>
              `Custom ${Object.entries(one)
                .map(([key, value]) => `${key}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
                .join(', ')}`,
          )
          .join(', ')
        expect(plain(text)).toEqual(challenges.map((one) => ['custom', one]))
      }),
    )
  })
})

describe('hostile headers', () => {
  it('are parsed without an error, and every result is in the header', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        expect(value).toContain(nextLink(value) ?? '')
        expect(retryAfterMs(value, now) ?? 0).toBeGreaterThanOrEqual(0)
        expect(warningTexts(value).join('').length).toBeLessThanOrEqual(value.length)
        expect(parseChallenges(value).length).toBeLessThanOrEqual(16)
      }),
      { numRuns: 2000 },
    )
  })

  it.each(['<', '"', '\\', ',', ';', 'a=', '<>;', '299 - "', 'Bearer a="b",', 'a '])(
    'that repeat %s have at most a few challenges',
    (piece) => {
      const value = piece.repeat(Math.floor(16_000 / piece.length))
      expect(parseChallenges(value).length).toBeLessThanOrEqual(16)
      expect(nextLink(value)).toBeUndefined()
      expect(warningTexts(value).length).toBeLessThanOrEqual(value.length)
    },
  )
})
