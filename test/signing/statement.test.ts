import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { digestMap, maxEvidenceDepth, maxEvidenceSize, parseStatement } from '../../src/signing/statement.ts'

const [one, other] = [digestOf('one'), digestOf('other')]
const statement = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'api', digest: digestMap(one) }],
  predicateType: 'https://example.com/p',
  predicate: { a: [1] },
}
const parse = (over: object) =>
  parseStatement(Buffer.from(JSON.stringify({ ...statement, ...over })), 'the statement')

/** A statement whose predicate makes it as deep as this. */
function nested(depth: number): Buffer {
  const lists = depth - 2
  const text = JSON.stringify({ ...statement, predicate: { a: 'x' } })
  return Buffer.from(text.replace('"x"', `${'['.repeat(lists)}${']'.repeat(lists)}`))
}

describe('a statement', () => {
  it('is parsed with its digests, predicate type and predicate', () => {
    expect(parse({})).toEqual({
      subjects: [one],
      annotations: {},
      predicateType: 'https://example.com/p',
      predicate: { a: [1] },
    })
  })

  it('of v0.1 is parsed too, and other versions are unsupported', () => {
    expect(parse({ _type: 'https://in-toto.io/Statement/v0.1' }).subjects).toEqual([one])
    expect(() => parse({ _type: 'https://in-toto.io/Statement/v2' })).toThrow(
      expect.objectContaining({ code: 'unsupported' }),
    )
  })

  it.each([[undefined], [null]])('without a predicate (%s) has an empty one', (predicate) => {
    expect(parse({ predicate }).predicate).toEqual({})
  })

  it('ignores digests of other algorithms, and has both of a subject with two', () => {
    const sha512 = digestOf('one', 'sha512')
    const subject = [{ digest: { ...digestMap(one), ...digestMap(sha512), gitCommit: 'abc' } }]
    expect(parse({ subject }).subjects).toEqual([one, sha512])
    expect(parse({ subject: [{ digest: { gitCommit: 'abc' } }] }).subjects).toEqual([])
  })

  it('has only annotations that all of its subjects have with the same value', () => {
    const subject = [
      { digest: digestMap(one), annotations: { channel: 'release', team: 'a', size: 1 } },
      { digest: digestMap(other), annotations: { channel: 'release', team: 'b', size: 1 } },
    ]
    expect(parse({ subject }).annotations).toEqual({ channel: 'release' })
    expect(parse({ subject: [...subject, { digest: {} }] }).annotations).toEqual({})
  })

  it('is parsed at the limit of depth and is malformed beyond it', () => {
    expect(parseStatement(nested(maxEvidenceDepth), 'it').subjects).toEqual([one])
    expect(() => parseStatement(nested(maxEvidenceDepth + 1), 'it')).toThrow(
      expect.objectContaining({ code: 'malformed', message: 'it is nested deeper than 100 levels' }),
    )
  })

  it('is malformed beyond 32 MiB', () => {
    expect(() => parseStatement(Buffer.alloc(maxEvidenceSize + 1, ' '), 'it')).toThrow(
      expect.objectContaining({ code: 'malformed', message: 'it is larger than 33554432 bytes' }),
    )
  })

  it.each([
    ['a list as predicate', { predicate: [] }],
    ['no list of subjects', { subject: {} }],
    ['a digest that is none', { subject: [{ digest: { sha256: 'abc' } }] }],
    ['no predicate type', { predicateType: undefined }],
  ])('with %s is malformed', (_, over) => {
    expect(() => parse(over)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('with a key twice in its predicate is malformed', () => {
    const text = JSON.stringify(statement).replace('"a":[1]', '"a":[1],"a":[2]')
    expect(() => parseStatement(Buffer.from(text), 'it')).toThrow(
      expect.objectContaining({ code: 'malformed', message: 'it has the key "a" twice' }),
    )
  })
})
