import { describe, expect, it } from 'vitest'
import { incrementVersion } from '../../src/semver/increment.ts'
import { defaultTagPolicy, type TagPolicy } from '../../src/semver/tag-policy.ts'
import { adviseUnread } from '../../src/semver/unread-version.ts'
import { formatVersionTag, findHighestTag, parseVersion, versionTagsIn } from '../../src/semver/version.ts'
import { versionTags, type VersionTags } from '../../src/semver/version-tags.ts'

/** The cases of the specification of version tags, for the pure functions. */

const exactOnly = ['exact', 'major', 'latest'] as const
const policies = {
  'the defaults': {},
  buildMetadata: { buildMetadata: true },
  calver: { scheme: 'calver' },
  loose: { scheme: 'loose' },
  'loose without minor': { scheme: 'loose', levels: exactOnly, twoNumbers: true },
  'variants: [alpine]': { variants: ['alpine'] },
  'variants: ["debian-*", "*-slim"]': { variants: ['debian-*', '*-slim'] },
  'ignoreVersions: ["9.*"]': { ignoreVersions: ['9.*'] },
} satisfies Readonly<Record<string, Partial<TagPolicy>>>

type PolicyName = keyof typeof policies

function policyOf(name: PolicyName): TagPolicy {
  return { ...defaultTagPolicy, ...policies[name] }
}

function tagsOf(repository: string, text: string, name: PolicyName): VersionTags {
  const policy = policyOf(name)
  const version = parseVersion(text, policy)
  if (version === undefined) throw new Error(`${text} is not a version`)
  const present = repository.split(' ').filter((tag) => tag !== '')
  return versionTags({ tag: text, version, hasV: text.startsWith('v') }, present, policy)
}

describe('dray tag', () => {
  it.each<readonly [PolicyName, string, string, string, string]>([
    ['the defaults', '', '1.0.0', '1.0.0 1.0 1 latest', ''],
    ['the defaults', '1.4.0 1.4 1 latest', '1.3.9', '1.3.9 1.3', '1: 1.4.0, latest: 1.4.0'],
    ['the defaults', '1.4.0', '1.4.1', '1.4.1 1.4 1 latest', ''],
    ['the defaults', '1.4.0 2.0.0', '1.5.0', '1.5.0 1.5 1', 'latest: 2.0.0'],
    ['the defaults', '1.4.0', '2.0.0-rc.1', '2.0.0-rc.1', '2.0, 2, latest'],
    ['the defaults', '2.0.0-rc.1', '1.0.0', '1.0.0 1.0 1 latest', ''],
    ['the defaults', '0.3.0', '0.3.1', '0.3.1 0.3 latest', '0'],
    ['the defaults', 'v1.2.0', '1.2.1', 'v1.2.1 v1.2 v1 latest', ''],
    ['buildMetadata', '1.4.0', '1.4.1+build.7', '1.4.1_build.7 1.4 1 latest', ''],
    ['the defaults', 'v1.4.0 1.4.0 latest', '1.3.0', '1.3.0 1.3', '1: 1.4.0, latest: 1.4.0'],
    ['the defaults', '1.4.0 1.5.0', '1.4.1', '1.4.1 1.4', '1: 1.5.0, latest: 1.5.0'],
    ['the defaults', '20240101 99 abc1234', '1.0.0', '1.0.0 1.0 1 latest', ''],
    ['the defaults', '1.4.2 2024.10.15', '1.4.3', '1.4.3 1.4 1 latest', ''],
    ['calver', '2022.04.1', '2022.12.1', '2022.12.1 2022.12 2022 latest', ''],
    ['calver', '5.8.1 2021.12.1', '2022.01.1', '2022.01.1 2022.01 2022 latest', ''],
    ['loose', '27.3.4.1', '27.3.4', '27.3.4', '27.3: 27.3.4.1, 27: 27.3.4.1, latest: 27.3.4.1'],
    ['variants: [alpine]', '1.2.3', '1.2.4-alpine', '1.2.4-alpine 1.2-alpine 1-alpine alpine', ''],
    ['variants: [alpine]', '1.2.4-alpine', '1.2.3', '1.2.3 1.2 1 latest', ''],
    ['the defaults', '1.2.3-alpine 1.2.4-alpine', '1.2.5-alpine', '1.2.5-alpine', '1.2, 1, latest'],
    [
      'variants: ["debian-*", "*-slim"]',
      '1.4.2',
      '1.4.2-debian-12-slim',
      '1.4.2-debian-12-slim 1.4-debian-12-slim 1-debian-12-slim debian-12-slim',
      '',
    ],
    ['ignoreVersions: ["9.*"]', '9.0.0-dev', '1.0.0', '1.0.0 1.0 1 latest', ''],
    ['ignoreVersions: ["9.*"]', '9.0.0', '1.0.0', '1.0.0 1.0 1 latest', ''],
    ['the defaults', '1.1.1-rc9', '1.1.1-rc10', '1.1.1-rc10', '1.1, 1, latest'],
  ])('with %s, in a repository with "%s": %s moves %s and not %s', (name, repository, text, moves, stays) => {
    const { exact, floating, same } = tagsOf(repository, text, name)
    const kept = floating.filter((one) => !one.moves)
    const why = (reason: string): string => {
      const [, higher] = /^(\S+) is higher$/.exec(reason) ?? []
      return higher === undefined ? '' : `: ${higher}`
    }
    expect([exact, ...floating.filter((one) => one.moves).map(({ tag }) => tag)].join(' ')).toBe(moves)
    expect(kept.map(({ tag, reason }) => `${tag}${why(reason)}`).join(', ')).toBe(stays)
    expect(same).toEqual([])
  })

  it.each<readonly [PolicyName, string, string]>([
    ['the defaults', 'v1.4.0', '1.4.0'],
    ['calver', '2024.4.1', '2024.04.1'],
    ['loose without minor', '7.2', '7.2.0'],
    ['loose', '27.3.4', '27.3.4.0'],
    ['buildMetadata', '1.4.0_build.1', '1.4.0+build.2'],
  ])('with %s, %s and %s are one version', (name, present, text) => {
    const { exact, same } = tagsOf(present, text, name)
    expect(exact === present ? [present] : same).toEqual([present])
  })

  it.each<readonly [PolicyName, string, string]>([
    ['the defaults', '1.0.0-20240105093000121', '1.0.0-20240105093000122'],
    ['variants: [alpine]', '1.4.2', '1.4.2-alpine'],
    ['loose', '27.3.4', '27.3.4.1'],
    ['loose', '27.3.4.1', '27.3.4'],
  ])('with %s, %s and %s are two versions', (name, present, text) => {
    expect(tagsOf(present, text, name).same).toEqual([])
  })

  it('with two numbers and a policy without minor, 7.2 is no floating tag', () => {
    expect(tagsOf('7.1', '7.2', 'loose without minor').floating.map(({ tag }) => tag)).toEqual([
      '7',
      'latest',
    ])
  })
})

describe('dray tag --next', () => {
  const next = (
    repository: string,
    part: 'major' | 'minor' | 'patch',
    name: PolicyName,
    variant = '',
  ): string | undefined => {
    const policy = policyOf(name)
    const highest = findHighestTag(versionTagsIn(repository.split(' '), policy))
    const version = highest && incrementVersion(highest.version, part, policy, variant)
    return version && formatVersionTag(version, highest.hasV)
  }

  it.each<readonly [PolicyName, string, 'major' | 'minor' | 'patch', string]>([
    ['the defaults', '1.4.2 2024.09.30', 'patch', '1.4.3'],
    ['the defaults', '1.4.2 2024.10.15', 'minor', '1.5.0'],
    ['the defaults', 'v1.4.2', 'major', 'v2.0.0'],
    ['the defaults', '1.4.9007199254740991', 'patch', '1.4.9007199254740992'],
    ['calver', '2024.04.1 2024.4.9', 'patch', '2024.4.10'],
    ['calver', '2024.04.09', 'patch', '2024.04.10'],
    ['calver', '2024.04.1.02', 'patch', '2024.04.1.03'],
    ['loose', '27.3.4 27.3.4.1', 'patch', '27.3.5'],
    ['loose', '27.3.4.1', 'minor', '27.4.0'],
    ['loose', '1.02.09', 'patch', '1.02.10'],
    ['loose', '1.02.09', 'minor', '1.03.00'],
    ['loose without minor', '7.02', 'minor', '7.03'],
    ['loose without minor', '7.02', 'patch', '7.02.1'],
    ['variants: [alpine]', '1.4.2 1.4.3-alpine', 'patch', '1.4.4'],
    ['ignoreVersions: ["9.*"]', '9.0.0 1.0.0', 'patch', '1.0.1'],
  ])('with %s, after %s: %s is %s', (name, repository, part, version) => {
    expect(next(repository, part, name)).toBe(version)
  })

  it('takes the suffix of the variant', () => {
    expect(next('1.4.2-alpine 1.4.3', 'patch', 'variants: [alpine]', 'alpine')).toBe('1.4.4-alpine')
  })

  it.each(['minor', 'major'] as const)('has no %s part in calver', (part) => {
    expect(next('2024.04.1', part, 'calver')).toBeUndefined()
  })

  it('has no major version in semver that is a year', () => {
    expect(next('1969.0.0', 'major', 'the defaults')).toBeUndefined()
  })
})

describe('a version argument that the scheme does not read', () => {
  it.each<readonly [PolicyName, string, string]>([
    ['the defaults', '2024.10.15', 'set scheme: calver under tags'],
    ['the defaults', '2024.04.1', 'set scheme: calver under tags'],
    ['the defaults', '27.3.4.1', 'set scheme: loose under tags'],
    ['calver', '1.4.2', 'set scheme: semver under tags'],
    ['calver', '27.03.4.1.2', 'A version is a year, a month or week'],
    ['the defaults', '1.4', 'A version is MAJOR.MINOR.PATCH'],
    ['the defaults', '1.4.1_build.7', 'Write build metadata after "+": 1.4.1+build.7.'],
    ['ignoreVersions: ["9.*"]', '9.0.0', 'A glob of ignoreVersions matches it'],
  ])('with %s, %s: %s', (name, text, advice) => {
    const policy = policyOf(name)
    expect(parseVersion(text, policy)).toBeUndefined()
    expect(adviseUnread(text, policy)).toContain(advice)
  })
})
