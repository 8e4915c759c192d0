import { describe, expect, it } from 'vitest'
import { holdTag } from '../../../src/images/holds/hold-tag.ts'
import { classifyTag, parseVersionTag, plainReading } from '../../../src/semver/version.ts'
import {
  decideSketch,
  digestNamed,
  globs,
  type RepositorySketch,
  rule,
} from '../../support/repository-graphs.ts'

const all = rule('all', { tags: globs('*') })
const held = { decision: 'hold', days: 10, reason: 'OPS-7' } as const
const released = { decision: 'release', days: 5 } as const
type Statements = NonNullable<RepositorySketch['manifests'][string]['hold']>

/** One image with statements about it, and with the tag of the hold if `isTagged`. */
function imageWith(
  statements: readonly Statements[],
  { isTagged = false, others = {} }: { isTagged?: boolean; others?: RepositorySketch['manifests'] } = {},
): ReturnType<typeof decideSketch> {
  const tag = isTagged ? { [holdTag(digestNamed('api'))]: 'api' } : {}
  return decideSketch(
    {
      tags: { '1.0.0': 'api', ...tag },
      manifests: {
        api: { age: 20 },
        ...others,
        ...Object.fromEntries(statements.map((hold, i) => [`statement${i}`, { subject: 'api', hold }])),
      },
    },
    { rules: [all] },
  )
}

describe('a held image', () => {
  it('is kept although a rule selects it, by the statement alone', () => {
    const { deleted, tag } = imageWith([held])
    expect(deleted).toEqual([])
    expect(tag('1.0.0').why).toEqual({
      kind: 'hold',
      by: digestNamed('statement0'),
      text: 'held by ada since 2026-05-22, reason "OPS-7"',
    })
  })

  it('is kept by the tag alone', () => {
    const { deleted, tag } = imageWith([], { isTagged: true })
    expect(deleted).toEqual([])
    expect(tag('1.0.0').why.text).toBe(`held by the tag ${holdTag(digestNamed('api'))}`)
  })

  it.each(['unreadable', 'not embedded'] as const)('is kept if the statement is %s', (hold) => {
    const { deleted, tag } = imageWith([hold])
    expect(deleted).toEqual([])
    expect(tag('1.0.0').why.text).toContain('which dray cannot read')
  })

  it('keeps its platform images and attached artifacts', () => {
    const { deleted, tag } = decideSketch(
      {
        tags: { '1.0.0': 'index', amd64: 'amd64' },
        manifests: {
          index: { age: 20, children: ['amd64', 'arm64'] },
          amd64: { age: 20 },
          arm64: { age: 20 },
          sbom: { subject: 'arm64' },
          hold: { subject: 'index', hold: held },
        },
      },
      { rules: [all] },
    )
    expect(deleted).toEqual([])
    expect(tag('amd64').why.text).toMatch(/^part of sha256:[0-9a-f]{12}, which is held by ada/)
  })

  it('as a platform image is kept while its index is deleted', () => {
    const { deleted } = decideSketch(
      {
        tags: { '1.0.0': 'index' },
        manifests: {
          index: { age: 20, children: ['amd64', 'arm64'] },
          amd64: { age: 20 },
          arm64: { age: 20 },
          hold: { subject: 'arm64', hold: held },
        },
      },
      { rules: [all] },
    )
    expect(deleted.toSorted()).toEqual(['amd64', 'index'])
  })

  it('takes no slot of keepNewest', () => {
    const { deleted } = decideSketch(
      {
        tags: { a: 'a', b: 'b', c: 'c', [holdTag(digestNamed('a'))]: 'a' },
        manifests: { a: { age: 1 }, b: { age: 2 }, c: { age: 3 } },
      },
      { rules: [rule('two', { tags: globs('*'), keepNewest: 2 })] },
    )
    expect(deleted).toEqual([])
  })

  it('is explained', () => {
    const { explain } = imageWith([held], { others: { web: { age: 20 } } })
    expect(explain('1.0.0')).toMatchObject({
      verdict: 'keep',
      protections: [{ name: 'hold', matches: true, text: 'held by ada since 2026-05-22, reason "OPS-7"' }],
    })
  })
})

describe('a hold ends', () => {
  it('with a later release, also if its tag was not deleted', () => {
    expect(imageWith([held, released]).deleted.toSorted()).toEqual(['api', 'statement0', 'statement1'])
    const { deleted, tag } = imageWith([held, released], { isTagged: true })
    expect(deleted).toContain('api')
    expect(tag(holdTag(digestNamed('api')))).toMatchObject({ verdict: 'delete' })
  })

  it('after its last day', () => {
    expect(imageWith([{ ...held, expires: '2026-05-31' }]).deleted).toContain('api')
    expect(imageWith([{ ...held, expires: '2026-06-01' }]).deleted).toEqual([])
  })

  it.each([
    ['is older', { ...released, days: 11 }],
    ['is dated in the future', { ...released, days: -1 }],
    ['is about another image', { ...released, about: 'web' }],
    ['cannot be read', 'unreadable'],
    ['has the same time', { ...released, days: 10 }],
  ] as const)('not with a release that %s', (_, release) => {
    expect(imageWith([held, release]).deleted).toEqual([])
    expect(imageWith([held, release], { isTagged: true }).deleted).toEqual([])
  })

  it('not with the release of an earlier hold', () => {
    expect(imageWith([held, released, { ...held, days: 2 }]).deleted).toEqual([])
  })
})

it('the tag of a hold is no version, and no rule is about it', () => {
  const tag = holdTag(digestNamed('api'))
  expect(tag).toMatch(/^hold-[0-9a-f]{12}$/)
  expect(classifyTag(tag, plainReading)).toBe('plain')
  expect(parseVersionTag('hold-123456789012', plainReading)).toBeUndefined()
  const { warnings, explain } = imageWith([], { isTagged: true })
  expect(warnings).toEqual([])
  expect(explain(tag).rules).toMatchObject([{ verdict: 'notSelected' }])
})
