import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { algorithmOf, Digester, digestOf, encodedOf, isDigest, parseDigest } from '../../src/oci/digest.ts'
import { anyText } from '../support/any-text.ts'
import { outcomeOf } from '../support/error-code.ts'

const hex = (length: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`))
const digests = fc.oneof(
  hex(64).map((h) => `sha256:${h}`),
  hex(128).map((h) => `sha512:${h}`),
)

describe('a digest', () => {
  it('parses to the same text, and splits into algorithm and hex', () => {
    fc.assert(
      fc.property(digests, (text) => {
        const digest = parseDigest(text)
        expect(digest).toBe(text)
        expect(`${algorithmOf(digest)}:${encodedOf(digest)}`).toBe(text)
      }),
    )
  })

  it('parses if isDigest accepts the text, and any other text is a DrayError', () => {
    const nearly = fc.tuple(digests, fc.nat(140), fc.string({ maxLength: 2 })).map(([text, at, put]) => {
      return text.slice(0, at) + put + text.slice(at + 1)
    })
    fc.assert(
      fc.property(fc.oneof(anyText(), digests, nearly), (text) => {
        const outcome = outcomeOf(() => parseDigest(text))
        expect(outcome).toMatch(isDigest(text) ? /^fine$/ : /^(malformed|unsupported)$/)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['', 'malformed'],
    [':', 'malformed'],
    ['sha256', 'malformed'],
    ['sha256:', 'malformed'],
    [`sha256:${'a'.repeat(63)}`, 'malformed'],
    [`sha256:${'a'.repeat(65)}`, 'malformed'],
    [`sha256:${'A'.repeat(64)}`, 'malformed'],
    [`sha256:${'a'.repeat(64)}\n`, 'malformed'],
    [`SHA256:${'a'.repeat(64)}`, 'malformed'],
    [`sha256:../../../${'a'.repeat(55)}`, 'malformed'],
    [`sha512:${'a'.repeat(64)}`, 'malformed'],
    [`sha384:${'a'.repeat(96)}`, 'unsupported'],
    ['sha256+b64:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564', 'unsupported'],
    [`x:${'a'.repeat(5000)}`, 'malformed'],
  ])('is refused: %j is %s', (text, code) => {
    expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code }))
  })

  it('of bytes is the hash of node:crypto, at once or in chunks, with the size', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), fc.constantFrom('sha256', 'sha512'), (chunks, algorithm) => {
        const whole = Buffer.concat(chunks)
        const digester = new Digester(algorithm)
        for (const chunk of chunks) digester.update(chunk)
        const expected = `${algorithm}:${createHash(algorithm).update(whole).digest('hex')}`
        expect(digester.size).toBe(whole.byteLength)
        expect(digester.digest()).toBe(expected)
        expect(digestOf(whole, algorithm)).toBe(expected)
      }),
    )
  })
})
