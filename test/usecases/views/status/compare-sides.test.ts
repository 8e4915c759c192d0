import { describe, expect, it } from 'vitest'
import {
  compareSides,
  findGravest,
  listTagsToResolve,
  type Side,
} from '../../../../src/usecases/views/status/compare-sides.ts'
import type { VersionReading } from '../../../../src/semver/version.ts'
import { sideOf } from '../../../../src/usecases/views/status/compare-facts.ts'
import { statusFacts } from '../../../support/status-facts.ts'

const sides = (
  from: string,
  to: string,
  currentTags = ['latest', 'latest'],
  reading: Partial<VersionReading> = {},
): readonly [Side, Side] => [
  sideOf(statusFacts({ environment: 'staging', has: from, currentTag: currentTags[0] ?? '', reading })),
  sideOf(statusFacts({ environment: 'prod', has: to, currentTag: currentTags[1] ?? '', reading })),
]

/** The side with only the digests of these tags. */
const resolved = (side: Side, tags: readonly string[]): Side =>
  side.state === 'deployed'
    ? { ...side, digests: new Map([...side.digests].filter(([tag]) => tags.includes(tag))) }
    : side

/** Compares with the digests that `listTagsToResolve` names, and no others. */
function compare(from: Side, to: Side): string {
  const tags = listTagsToResolve(from, to)
  const { state, comparedBy, why } = compareSides(resolved(from, tags.from), resolved(to, tags.to))
  return [state, comparedBy ?? why ?? 'nothing'].join(' by ')
}

describe('the current-version tag decides if both sides have it:', () => {
  it.each([
    ['the same digest', 'latest=a 1.4.2=a', 'latest=a 1.4.2=a', 'in-sync'],
    ['the same digest with another version tag', 'latest=a 1.4.2=a', 'latest=a 1.4.1=a', 'in-sync'],
    ['the same digest without versions', 'latest=a', 'latest=a', 'in-sync'],
    ['the same digest, and a higher version in the source', 'latest=a 1.5.0=b', 'latest=a', 'in-sync'],
    ['a lower version', 'latest=b 1.4.2=b', 'latest=a 1.4.1=a', 'behind'],
    ['1.9.0 against 1.10.0', 'latest=b 1.10.0=b', 'latest=a 1.9.0=a', 'behind'],
    ['a pre-release of the version', 'latest=b 1.4.2=b', 'latest=a 1.4.2-rc.1=a', 'behind'],
    [
      'a lower version, with equal highest versions',
      'latest=b 1.4.2=b',
      'latest=a 1.4.1=a 1.4.2=b',
      'behind',
    ],
    ['a higher version', 'latest=a 1.4.1=a', 'latest=b 1.4.2=b', 'drifted'],
    ['the same version with another digest', 'latest=a 1.4.2=a', 'latest=b 1.4.2=b', 'drifted'],
    ['another spelling with another digest', 'latest=a v1.4.2=a', 'latest=b 1.4.2=b', 'drifted'],
    ['other digests without versions', 'latest=a', 'latest=b', 'drifted'],
    ['no version in the destination', 'latest=a 1.4.2=a', 'latest=b', 'drifted'],
  ])('%s', (_, from, to, state) => {
    expect(compare(...sides(from, to))).toBe(`${state} by currentTag`)
  })

  it('each side by the name of its own tag', () => {
    const tags = ['stable', 'live']
    expect(compare(...sides('stable=a latest=x', 'live=a latest=y', tags))).toBe('in-sync by currentTag')
    expect(compare(...sides('stable=b 1.1.0=b', 'live=a 1.0.0=a', tags))).toBe('behind by currentTag')
  })
})

describe('the highest version decides if one side lacks the current-version tag:', () => {
  it.each([
    ['a lower version', '1.4.1=a 1.4.2=b', '1.4.1=a', 'behind'],
    ['a lower version, and the tag in the source', 'latest=b 1.4.1=a 1.4.2=b', '1.4.1=a', 'behind'],
    ['a lower version, and the tag in the destination', '1.4.1=a 1.4.2=b', 'latest=a 1.4.1=a', 'behind'],
    ['the same version and digest', '1.4.1=a 1.4.2=b', '1.4.2=b', 'in-sync'],
    ['the same version and digest, and the tag in one side', 'latest=b 1.4.2=b', '1.4.2=b', 'in-sync'],
    ['another spelling of the version', 'v1.4.2=a', '1.4.2=a', 'in-sync'],
    ['the spelling that both sides have', 'v1.4.2=a 1.4.2=b', '1.4.2=b', 'in-sync'],
    ['another version tag on the same digest', '1.4.2=a', '1.4.3=a', 'in-sync'],
    ['the same version with another digest', '1.4.2=a', '1.4.2=b', 'drifted'],
    ['a higher version', '1.4.1=a', '1.4.1=a 1.4.2=b', 'drifted'],
    ['a stable version against a later pre-release', '1.4.2=a 1.5.0-rc.1=b', '1.4.2=a', 'in-sync'],
    ['pre-releases on both sides', '1.5.0-rc.2=b 1.5.0-rc.1=a', '1.5.0-rc.1=a', 'behind'],
    ['only a pre-release in the destination', '1.4.2=a', '1.4.2-rc.1=b', 'behind'],
    ['dates with short years as versions', '26.11.2=b 26.10.1=a', '26.10.1=a', 'behind'],
    ['equal common tags beside a lower version', '1.4.2=b main=c', '1.4.1=a main=c', 'behind'],
  ])('%s', (_, from, to, state) => {
    expect(compare(...sides(from, to))).toBe(`${state} by highestVersion`)
  })

  it.each([
    ['26.10.1=a 26.11.05=b', '26.10.1=a', 'unknown by otherVersions'],
    ['26.10.1=a', '26.10.1=a v26.11.05=b', 'unknown by otherVersions'],
    ['27.3.4=a 27.3.4.1=b', '27.3.4=a', 'unknown by otherVersions'],
    ['1.4.2=a 1.5.0_build.7=b', '1.4.2=a', 'unknown by otherVersions'],
    ['1.4.2=a', '1.4.2=a 26.11.05-rc.1=b', 'unknown by otherVersions'],
    ['1.0.0-rc9=a 1.0.0-rc10=b', '1.0.0-rc9=a', 'unknown by otherVersions'],
    ['1.0.0-rc9=a', '1.0.0-rc9=a 1.0.0-rc10=b', 'unknown by otherVersions'],
    ['1.0.0-rc.10=a 1.0.0-rc.9=b', '1.0.0-rc.10=a', 'in-sync by highestVersion'],
    ['1.0.0=b 1.0.0-rc9=a', '1.0.0=b 1.0.0-rc10=a', 'in-sync by highestVersion'],
    ['26.10.1=a 26.09.05=b', '26.10.1=a', 'in-sync by highestVersion'],
    ['1.4.2=a 1.4.2_amd64=b 1.4=a 20261105=c', '1.4.2=a', 'in-sync by highestVersion'],
    ['26.10.1=a 26.11.05=b', '26.10.1=a 26.11.05=b', 'in-sync by highestVersion'],
  ])('unless a tag of another scheme may be higher: %s against %s is %s', (from, to, result) => {
    expect(compare(...sides(from, to))).toBe(result)
  })

  it.each<[Partial<VersionReading>, string, string, string]>([
    [{ scheme: 'calver' }, '26.10.1=a 26.11.05=b', '26.10.1=a', 'behind by highestVersion'],
    [{ scheme: 'calver' }, '2026.04.1=a', '2026.4.1=a', 'in-sync by highestVersion'],
    [{ scheme: 'calver' }, '26.10.1=a 27.3.4.1.2=b', '26.10.1=a', 'unknown by otherVersions'],
    [{ scheme: 'loose' }, '27.3.4=a 27.3.4.1=b', '27.3.4=a', 'behind by highestVersion'],
    [{ scheme: 'loose' }, '1.0.0-rc9=a 1.0.0-rc10=b', '1.0.0-rc9=a', 'behind by highestVersion'],
    [{ ignoreVersions: ['26.*'] }, '1.4.2=a 26.11.05=b', '1.4.2=a', 'in-sync by highestVersion'],
    [{ variants: ['alpine'] }, '1.4.2=a 1.5.0-alpine=b', '1.4.2=a', 'in-sync by highestVersion'],
    [{ variants: ['alpine'] }, '1.4.2=a 1.4.2-alpine=b', '1.4.2-alpine=b', 'drifted by highestVersion'],
    [{ variants: ['alpine'] }, '1.5.0-alpine=a', '1.4.2-alpine=b', 'behind by highestVersion'],
  ])('by the reading %j: %s against %s is %s', (reading, from, to, result) => {
    expect(compare(...sides(from, to, undefined, reading))).toBe(result)
  })

  it('and a version tag that was deleted meanwhile decides nothing', () => {
    const [from, to] = sides('1.4.2=a', '1.4.2=a')
    expect(compareSides(from, resolved(to, []))).toEqual({
      state: 'unknown',
      comparedBy: null,
      why: 'nothingInCommon',
    })
  })
})

describe('tags of the same name decide if one side has no version:', () => {
  it.each([
    ['an equal branch', 'main=a', 'main=a', 'in-sync by commonTags'],
    ['an equal branch, and more builds in the source', 'main=a pr-7=b', 'main=a', 'in-sync by commonTags'],
    ['another image of the branch', 'main=b sha-1=a sha-2=b', 'main=a sha-1=a', 'drifted by commonTags'],
    ['a moved build beside an equal branch', 'main=a sha-1=b', 'main=a sha-1=c', 'drifted by commonTags'],
    ['all builds of the source', 'sha-1=a sha-2=b', 'sha-1=a sha-2=b', 'in-sync by commonTags'],
    ['fewer builds than the source', 'sha-1=a sha-2=b sha-3=c', 'sha-1=a sha-2=b', 'unknown by moreInSource'],
    ['versions only in the source', '1.4.2=a main=a', 'main=a', 'in-sync by commonTags'],
    ['the current image, and more builds', 'latest=a sha-1=a sha-2=b', 'sha-1=a', 'in-sync by sameDigest'],
    ['numbers that are no versions', '20260101=a 20260102=b', '20260101=a', 'unknown by moreInSource'],
  ])('%s', (_, from, to, result) => {
    expect(compare(...sides(from, to))).toBe(result)
  })

  it('at most a hundred of them, and more are unknown unless one differs', () => {
    const builds = Array.from({ length: 101 }, (_, i) => `sha-${i}=${i}`).join(' ')
    const [from, to] = sides(builds, builds)
    expect(listTagsToResolve(from, to).to).toHaveLength(100)
    expect(compare(from, to)).toBe('unknown by tooManyTags')
    expect(compare(...sides(`${builds} main=a`, `${builds} main=b`))).toBe('drifted by commonTags')
  })
})

describe('without a common tag', () => {
  it.each([
    ['the same image is in sync', '1.4.2=a', 'release=a', 'in-sync by sameDigest'],
    ['the current image is in sync', 'latest=a 1.4.2=a', 'release=a', 'in-sync by sameDigest'],
    ['other images are unknown', '1.4.2=a', 'release=b', 'unknown by nothingInCommon'],
    ['several images are unknown', 'pr-1=a pr-2=b', 'main=a', 'unknown by nothingInCommon'],
  ])('%s', (_, from, to, result) => {
    expect(compare(...sides(from, to))).toBe(result)
  })

  it('a registry that does not list tags leaves the state unknown', () => {
    const [from, to] = sides('latest=a', '1.4.2=b')
    const unlisted: Side = from.state === 'deployed' ? { ...from, tags: undefined, highest: [] } : from
    expect(compare(unlisted, to)).toBe('unknown by nothingInCommon')
  })
})

describe('an image that one side lacks', () => {
  it.each([
    ['1.4.2=a', '-', 'behind by nothing'],
    ['-', '1.4.2=a', 'drifted by nothing'],
    ['-', '-', 'unknown by notDeployed'],
    ['!', 'latest=a', 'unknown by unreachable'],
    ['latest=a', '!', 'unknown by unreachable'],
  ])('%s against %s is %s', (from, to, result) => {
    expect(compare(...sides(from, to))).toBe(result)
  })
})

it('the gravest of several comparisons is drifted, then behind, then unknown', () => {
  const of = (...states: readonly ('in-sync' | 'behind' | 'drifted' | 'unknown')[]): string =>
    findGravest(states.map((state) => ({ state, comparedBy: null }))).state
  expect(of('in-sync', 'unknown')).toBe('unknown')
  expect(of('in-sync', 'unknown', 'behind')).toBe('behind')
  expect(of('behind', 'drifted')).toBe('drifted')
  expect(of('in-sync', 'in-sync')).toBe('in-sync')
  expect(of()).toBe('unknown')
})
