import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSides } from '../../../../src/usecases/views/status/compare-sides.ts'
import { sideOf } from '../../../../src/usecases/views/status/compare-facts.ts'
import { statusFacts } from '../../../support/status-facts.ts'
import { pairCommonTags, TagSet } from '../../../../src/usecases/views/status/common-tags.ts'
import { type DiffEntry, buildDiff, type DiffSide } from '../../../../src/usecases/views/diff/diff.ts'
import { type Digest, digestOf } from '../../../../src/oci/digest.ts'
import { plainReading, type VersionReading } from '../../../../src/semver/version.ts'

/** The tags of a side. Each names an image of the same name, and `1.4.2=x` names the image `x`. */
type Tags = readonly string[] | undefined

const side = (path: string, reading = plainReading): DiffSide => ({
  repository: { registry: 'r.test', path },
  reading,
  currentTags: ['current'],
  channels: ['next'],
})
const nameOf = (tag: string): string => tag.replace(/=.*/, '')
const standing = (tags: Tags): ReadonlyMap<string, string> =>
  new Map((tags ?? []).map((tag) => [nameOf(tag), tag.replace(/.*=/, '')]))

const digestsOf = (tags: ReadonlyMap<string, string>): ReadonlyMap<string, Digest | null> =>
  new Map([...tags].map(([tag, name]) => [tag, digestOf(name)]))

function diff(fromTags: Tags, toTags: Tags, limit?: number, reading = plainReading): DiffEntry {
  const [here, there] = [standing(fromTags), standing(toTags)]
  const sets = [here, there].map((tags) => new TagSet([...tags.keys()], reading))
  const pairs = pairCommonTags(sets[0] ?? new TagSet([], reading), sets[1] ?? new TagSet([], reading))
  const compared = pairs.slice(0, limit).map((pair) => ({
    ...pair,
    fromDigest: digestOf(here.get(pair.from) ?? ''),
    toDigest: digestOf(there.get(pair.to) ?? ''),
  }))
  return buildDiff({
    image: 'api',
    from: side('staging/api', reading),
    to: side('prod/api', reading),
    state: 'read',
    fromTags: fromTags?.map(nameOf),
    toTags: toTags?.map(nameOf),
    compared,
    notCompared: pairs.length - compared.length,
    otherSources: [],
    digests: { from: digestsOf(here), to: digestsOf(there) },
  })
}

const promoted = (from: Tags, to: Tags): readonly string[] =>
  diff(from, to).promote.map(({ tag, older }) => (older ? `${tag} older` : tag))
const drifted = (from: Tags, to: Tags): readonly string[] =>
  diff(from, to).drift.map(({ tag, tagThere, kind, behind }) =>
    [tag, ...(tagThere === undefined ? [] : [tagThere]), kind, ...(behind ? ['behind'] : [])].join(' '),
  )

describe('by the reading of the environments,', () => {
  const kinds = (from: Tags, to: Tags, reading: Partial<VersionReading>) => {
    const { promote, drift } = diff(from, to, undefined, { ...plainReading, ...reading })
    return {
      promote: promote.map(({ tag }) => tag),
      drift: drift.map(({ tag, kind, behind }) => [tag, kind, behind] as const),
    }
  }

  it('calendar versions are versions, in any zero padding', () => {
    const [from, to] = [
      ['2024.04.1=a', '2024.10.1', '2024.10=b'],
      ['2024.4.1=b', '2024.10=a'],
    ]
    expect(kinds(from, to, { scheme: 'calver' })).toEqual({
      promote: ['2024.10.1'],
      drift: [
        ['2024.04.1', 'exact', false],
        ['2024.10', 'floating', true],
      ],
    })
    expect(kinds(from, to, {})).toMatchObject({ promote: [] })
  })

  it('a version is older than a higher one of its variant only', () => {
    const { promote } = diff(['1.4.2-alpine', '1.2.0'], ['1.5.0'], undefined, {
      ...plainReading,
      variants: ['alpine'],
    })
    expect(promote).toEqual([
      { tag: '1.4.2-alpine', older: false },
      { tag: '1.2.0', older: true },
    ])
  })

  it('a tag that only one side reads as a variant is on both sides', () => {
    const [plain, alpine] = [plainReading, { ...plainReading, variants: ['alpine'] }].map(
      (reading) => new TagSet(['1.4.2-alpine'], reading),
    )
    expect(plain?.without(alpine ?? plain)).toEqual([])
  })

  it('a variant has floating tags of its own', () => {
    const from = ['1.4.2-alpine=b', '1.4.1=a', '1-alpine=b', 'alpine=b', '1=a']
    const to = ['1.4.1-alpine=c', '1.4.1=a', '1-alpine=c', 'alpine=c', '1=a']
    expect(kinds(from, to, { variants: ['alpine'] })).toEqual({
      promote: ['1.4.2-alpine'],
      drift: [
        ['alpine', 'floating', true],
        ['1-alpine', 'floating', true],
      ],
    })
  })
})

describe('versions to promote', () => {
  it.each<[string, Tags, Tags, readonly string[]]>([
    [
      'the versions that are missing, the highest first',
      ['1.9.0', '1.10.0', '1.4.2'],
      ['1.4.2'],
      ['1.10.0', '1.9.0'],
    ],
    ['the older ones behind the others', ['1.3.0', '1.5.0', '1.4.2'], ['1.4.2'], ['1.5.0', '1.3.0 older']],
    ['a version once, in whatever spellings', ['1.5.0', 'v1.5.0'], [], ['v1.5.0']],
    ['nothing that is there in another spelling', ['v1.5.0'], ['1.5.0'], []],
    [
      'no pre-release of a released version',
      ['1.5.0-rc.1', '1.6.0-rc.1'],
      ['1.5.0'],
      ['1.6.0-rc.1', '1.5.0-rc.1 older'],
    ],
    ['a stable version is not older than a pre-release', ['1.0.0'], ['2.0.0-rc.1'], ['1.0.0']],
    ['no floating and no other tags', ['latest', '1', '1.4', 'abc1234', '20240101'], [], []],
    ['all if the repository does not exist', ['1.4.2'], undefined, ['1.4.2']],
  ])('is %s', (_, from, to, expected) => {
    expect(promoted(from, to)).toEqual(expected)
  })

  it('is nothing that only the target has', () => {
    expect(diff(['1.4.2'], ['1.4.2', '1.3.9-hotfix.1', '1.4.3']).onlyThere).toEqual([
      '1.4.3',
      '1.3.9-hotfix.1',
    ])
  })
})

describe('drift', () => {
  it.each<[string, Tags, Tags, readonly string[]]>([
    ['a version on another image', ['1.4.2=a'], ['1.4.2=b'], ['1.4.2 exact']],
    ['a version on another image in another spelling', ['v1.4.2=a'], ['1.4.2=b'], ['v1.4.2 1.4.2 exact']],
    ['nothing on the same image', ['1.4.2=a', 'latest=a', 'x=a'], ['1.4.2=a', 'latest=a', 'x=a'], []],
    ['a second spelling that both have', ['1.4.2=a', 'v1.4.2=a'], ['v1.4.2=b'], ['v1.4.2 exact']],
    [
      'versions first, then floating tags, then others',
      ['main=a', '1=a', '1.4.2=a'],
      ['main=b', '1=b', '1.4.2=b'],
      ['1.4.2 exact', '1 floating', 'main other'],
    ],
    [
      'a floating tag behind',
      ['1.5.0', '1=a', 'latest=a', 'current=a', '1.4=x'],
      ['1.4.2', '1=b', 'latest=b', 'current=b', '1.4=y'],
      ['latest floating behind', '1 floating behind', '1.4 floating', 'current floating behind'],
    ],
    ['a floating tag ahead', ['1.4.2', '1=a'], ['1.5.0', '1=b'], ['1 floating']],
    ['a channel behind', ['1.5.0-next.2', 'next=a'], ['1.5.0-next.1', 'next=b'], ['next floating behind']],
    [
      'a number that is not a floating tag',
      ['20240101=a', '1.4.2'],
      ['20240101=b', '1.4.2'],
      ['20240101 other'],
    ],
  ])('is %s', (_, from, to, expected) => {
    expect(drifted(from, to)).toEqual(expected)
  })

  it('is no tag that is deleted meanwhile', () => {
    const pair = { from: '1.4.2', to: '1.4.2', fromDigest: digestOf('a'), toDigest: null }
    const tags = { fromTags: ['1.4.2'], toTags: ['1.4.2'] }
    const sides = { image: 'api', from: side('a'), to: side('b'), otherSources: [] }
    const digests = { from: new Map([['1.4.2', digestOf('a')]]), to: new Map([['1.4.2', null]]) }
    expect(
      buildDiff({ ...sides, state: 'read', ...tags, compared: [pair], notCompared: 0, digests }),
    ).toMatchObject({ state: 'unknown', drift: [], compared: 0, notCompared: 1 })
  })
})

describe('an image', () => {
  it.each<[string, Tags, Tags, DiffEntry['state']]>([
    ['in sync', ['1.4.2', 'latest'], ['1.4.2', 'latest'], 'in-sync'],
    ['in sync whatever other tags one side has', ['1.4.2', 'abc1234'], ['1.4.2'], 'in-sync'],
    ['in sync by a branch', ['main', 'pr-1'], ['main'], 'in-sync'],
    ['in sync by the only image', ['main=a'], ['release=a'], 'in-sync'],
    ['different', ['1.4.2'], [], 'differs'],
    ['different if one side has no image', ['main'], undefined, 'differs'],
    ['unknown without a common tag', ['main', 'pr-1'], ['release'], 'unknown'],
    ['unknown if the source has more builds', ['sha-1', 'sha-2'], ['sha-1'], 'unknown'],
    ['deployed in neither', undefined, undefined, 'not-deployed'],
    ['deployed in neither if both repositories are empty', [], undefined, 'not-deployed'],
  ])('is %s', (_, from, to, state) => {
    expect(diff(from, to).state).toBe(state)
  })

  it('is unknown if only some common tags were compared and no rule of status decides', () => {
    expect(diff(['main', 'sha-1', 'sha-2'], ['main', 'sha-1', 'sha-2'], 1)).toMatchObject({
      state: 'unknown',
      comparedBy: null,
    })
    expect(diff(['1.4.2', 'main'], ['1.4.2', 'main'], 1)).toMatchObject({
      state: 'in-sync',
      comparedBy: 'highestVersion',
    })
  })

  it('has the other tags of each side without floating tags', () => {
    const { otherTags } = diff(['1.4.2', 'abc1234', '1.4', 'latest', 'main'], ['1.4.2', 'deployed', 'main'])
    expect(otherTags).toEqual({ from: ['abc1234'], to: ['deployed'] })
  })

  it('has the number of omitted common tags, which are the lowest', () => {
    const tags = ['1.1.0', '1.2.0', '1.3.0']
    expect(
      diff(
        tags,
        tags.map((tag) => `${tag}=x`),
        2,
      ),
    ).toMatchObject({
      compared: 2,
      notCompared: 1,
      drift: [{ tag: '1.3.0' }, { tag: '1.2.0' }],
    })
  })

  it('that could not be read has the error of the side', () => {
    const error = { code: 'network', message: 'nobody there' } as const
    const to = side('prod/api')
    const facts = {
      image: 'api',
      from: side('staging/api'),
      to,
      otherSources: [],
      unread: to.repository,
      error,
    }
    expect(buildDiff({ ...facts, state: 'unreachable' })).toMatchObject({
      state: 'unreachable',
      unread: to.repository,
      error,
      drift: [],
    })
  })
})

it('an image that is in sync in diff is in sync in status', () => {
  const names = ['current', 'main', 'sha-1', 'sha-2', '1.4.1', '1.4.2', 'v1.4.2', '2026.11.05']
  const tags = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.constantFrom('a', 'b')), { selector: ([tag]) => tag })
    .map((all) => all.map(([tag, name]) => `${tag}=${name}`))
  const statusOf = (from: readonly string[], to: readonly string[]) => {
    const [source, target] = [from, to].map((all) =>
      sideOf(
        statusFacts({ environment: 'x', has: all.length === 0 ? '-' : all.join(' '), currentTag: 'current' }),
      ),
    )
    return source === undefined || target === undefined ? undefined : compareSides(source, target).state
  }
  const isAgreed = fc.property(
    tags,
    tags,
    (from, to) => diff(from, to).state !== 'in-sync' || statusOf(from, to) === 'in-sync',
  )
  expect(fc.check(isAgreed, { numRuns: 500 }).counterexample).toBeNull()
})
