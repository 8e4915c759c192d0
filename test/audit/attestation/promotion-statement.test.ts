import { assert, constantFrom, jsonValue, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDrayError } from '../../../src/lib/errors.ts'
import {
  formatPromotion,
  promotionOf as readPromotion,
} from '../../../src/audit/attestation/promotion-statement.ts'
import { parseStatement } from '../../../src/signing/statement.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { layoutRegistry } from '../../../src/oci/reference.ts'
import { promotionOf } from '../../support/attestations.ts'
import { gateResult, gateResults } from '../../support/gates/gate-results.ts'

const digest = digestOf('an image')
const read = (bytes: Uint8Array) => readPromotion(parseStatement(bytes, 'the statement'), 'the statement')
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value))
type Json = Record<string, unknown>
const jsonOf = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as Json & { predicate: Json }

/** Changes one field of the predicate. */
function changed(field: string, value: unknown): Buffer {
  const statement = jsonOf(formatPromotion(promotionOf(digest)))
  return bytesOf({ ...statement, predicate: { ...statement.predicate, [field]: value } })
}

describe('the statement of a promotion', () => {
  it('is parsed to the values that it was made from', () => {
    const full = promotionOf(digest, {
      tags: [{ tag: 'latest', before: digestOf('old') }],
      evidence: [digestOf('a')],
      gates: gateResults,
    })
    expect(read(formatPromotion(full))).toEqual(full)
    const { reason: _, ticket: __, ...rest } = promotionOf(digestOf('x', 'sha512'))
    const least = {
      ...rest,
      from: { repository: { registry: layoutRegistry, path: '/tmp/out' } },
      to: { repository: rest.to.repository },
      tags: [],
      actor: { user: 'ada', host: 'runner-1' },
    }
    expect(read(formatPromotion(least))).toEqual(least)
  })

  it('has the results of gates as the plan has them', () => {
    const { predicate } = jsonOf(formatPromotion(promotionOf(digest, { gates: gateResults })))
    expect(predicate['gates']).toEqual(gateResults)
    expect(jsonOf(formatPromotion(promotionOf(digest))).predicate['gates']).toEqual([])
  })

  it.each<[string, unknown]>([
    ['text', 'pass'],
    ['a gate without a name', [{ ...gateResult(), name: undefined }]],
    ['an unknown result', [{ ...gateResult(), result: 'passed' }]],
    ['an evaluation at no time', [{ ...gateResult(), evaluatedAt: 'yesterday' }]],
    ['evidence without a digest', [{ ...gateResult(), evidence: [{}] }]],
  ])('is parsed without gates if they are %s', (_, gates) => {
    expect(read(changed('gates', gates))).toEqual(promotionOf(digest))
  })

  it('is parsed with gates of a kind that a later version has', () => {
    const later = [{ ...gateResult(), kind: 'notation', more: 1 }]
    expect(read(changed('gates', later)).gates).toEqual([{ ...gateResult(), kind: 'notation' }])
  })

  it.each(['registry', 'localhost:5000', '[::1]:5000', 'docker.io'])(
    'keeps the spelling of a registry: %s',
    (registry) => {
      const promotion = promotionOf(digest, { to: { repository: { registry, path: 'prod/api' } } })
      expect(read(formatPromotion(promotion)).to.repository).toEqual({ registry, path: 'prod/api' })
    },
  )

  it('is an in-toto statement v1 about the promoted digest', () => {
    expect(jsonOf(formatPromotion(promotionOf(digest)))).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'registry.test/prod/api', digest: { sha256: digest.slice(7) } }],
      predicateType: 'urn:dray:promotion:v1',
    })
  })

  it('has the fields of the Kubernetes promoter under the same names', () => {
    expect(jsonOf(formatPromotion(promotionOf(digest))).predicate).toMatchObject({
      srcRef: `registry.test/staging/api:1.4.2@${digest}`,
      dstRef: 'registry.test/prod/api',
      digest,
      timestamp: '2026-03-04T05:07:08.000Z',
      builderId: 'urn:dray@0.1.0',
      tags: ['1.4.2'],
      source: { name: 'registry.test/staging/api', digest: { sha256: digest.slice(7) } },
      destination: { name: 'registry.test/prod/api', digest: { sha256: digest.slice(7) } },
      promoter: { version: '0.1.0' },
      job: { name: 'release', buildId: 'https://ci.test/runs/7' },
    })
  })

  it('is the same bytes in any order of the values', () => {
    const one = promotionOf(digest)
    const turned = Object.fromEntries(Object.entries(one).toReversed()) as unknown as typeof one
    expect(formatPromotion(turned)).toEqual(formatPromotion(one))
  })

  it('is refused if it is larger than a reader accepts', () => {
    const reason = 'x'.repeat(1024 * 1024)
    expect(() => formatPromotion(promotionOf(digest, { reason }))).toThrow(
      expect.objectContaining({ code: 'refused' }),
    )
  })

  it('is parsed with unknown fields', () => {
    expect(read(changed('gates', [{ name: 'scan', result: 'passed' }]))).toEqual(promotionOf(digest))
    expect(read(changed('of a later version', 1))).toEqual(promotionOf(digest))
  })
})

describe('a statement is malformed if it has', () => {
  it.each([
    ['digest', digestOf('another')],
    ['digest', 'sha256:abc'],
    ['digest', undefined],
    ['timestamp', 'yesterday'],
    ['timestamp', '2026-13-99T00:00:00Z'],
    ['tags', 'latest'],
    ['tags', [1]],
    ['tags', ['not a tag']],
    ['tags', Array.from({ length: 20_001 }, () => 'a')],
    ['tagsBefore', { '1.4.2': 'x' }],
    ['source', { name: 'NOT A NAME' }],
    ['source', { name: 'api' }],
    ['source', { name: '/api' }],
    ['source', { name: 'a/b', annotations: { tag: '\u001b[2J' } }],
    ['actor', 'ada'],
    ['actor', { user: 1, host: 'h' }],
    ['evidence', [{}]],
    ['plan', null],
    ['reason', ['x']],
  ])('%s: %j', (field, value) => {
    expect(() => read(changed(field, value))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it.each([
    ['a subject more', { subject: [digest, digestOf('b')].map((d) => ({ digest: { sha256: d.slice(7) } })) }],
    ['no subject', { subject: [] }],
    ['another predicate type', { predicateType: 'https://slsa.dev/provenance/v1' }],
    ['a predicate that is a list', { predicate: [] }],
  ])('%s', (_, over) => {
    const statement = { ...jsonOf(formatPromotion(promotionOf(digest))), ...over }
    expect(() => read(bytesOf(statement))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('a key twice', () => {
    const text = Buffer.from(formatPromotion(promotionOf(digest))).toString()
    const twice = text.replace('"run":"run-7"', '"run":"run-7","run":"run-8"')
    expect(() => read(Buffer.from(twice))).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('deeply nested brackets, or more bytes than the limit', () => {
    const deep = Buffer.from(`{"_type":${'['.repeat(500_000)}`)
    expect(() => read(deep)).toThrow(expect.objectContaining({ code: 'malformed' }))
    const huge = Buffer.alloc(1024 * 1024 + 1, ' ')
    expect(() => read(huge)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  it('any other content, and no other error is thrown', () => {
    const fields = Object.keys(jsonOf(formatPromotion(promotionOf(digest))).predicate)
    assert(
      property(constantFrom(...fields), jsonValue({ maxDepth: 3 }), (field, value) => {
        expect(thrownBy(() => read(changed(field, value)))).toSatisfy(
          (e) => e === undefined || isDrayError(e),
        )
      }),
    )
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}
