import * as fc from 'fast-check'

/** A regular expression, its groups, and those of them that have numbers. */
interface GroupedRegex {
  readonly regex: string
  readonly groups: readonly string[]
  readonly numeric: readonly string[]
}

/** Tags that belong together, as in the history of one repository, and what selects them. */
export interface TagFamily {
  readonly tags: readonly string[]
  readonly globs: readonly string[]
  readonly regexes: readonly GroupedRegex[]
  readonly ranges: readonly string[]
}

const anyVersion: GroupedRegex = {
  regex: 'v?\\d+\\.\\d+\\.\\d+.*',
  groups: ['major', 'minor', 'variant'],
  numeric: [],
}

const families: readonly TagFamily[] = [
  {
    tags: numbers(12).flatMap((n) => [`pr-${n}-a`, `pr-${n}-b`]),
    globs: ['pr-*', 'pr-?-*', '*-a', '*-b', 'pr-1*'],
    regexes: [
      { regex: 'pr-(?<number>\\d+)-.*', groups: ['number'], numeric: ['number'] },
      { regex: '(?<kind>pr|nightly)-(?<rest>.*)', groups: ['kind', 'rest'], numeric: ['rest'] },
      { regex: 'pr-(?<number>\\d+)-(?<build>.)', groups: ['number', 'build'], numeric: ['number', 'build'] },
    ],
    ranges: [],
  },
  {
    tags: numbers(20).map((n) => `nightly-${n}`),
    globs: ['nightly-*', 'nightly-1*'],
    regexes: [
      { regex: '(?:pr-(?<number>\\d+)|nightly)-.*', groups: ['number'], numeric: ['number'] },
      { regex: '(?<what>build|nightly)-(?<n>\\d+)', groups: ['what'], numeric: ['n'] },
    ],
    ranges: [],
  },
  {
    tags: words('1.0.0 1.0.1 v1.0.1 1.1.0-rc.1 1.1.0 1.2.0 v1.2.3 2.0.0-beta.2 2.0.0 2.1.0 9.0.0-dev 9.1.0'),
    globs: ['1.*', 'v*', '*.0', '2.*'],
    regexes: [anyVersion, { regex: 'v?1\\.0\\..*', groups: ['patch'], numeric: [] }, plain('1.0')],
    ranges: ['<1.2.0', '^1.1', '1.x || 2.x', '>=2', '>=1.1.0 <2', '>1.1'],
  },
  {
    tags: words('1.1.1-rc8 1.1.1-rc9 1.1.1-rc10 1.1.1-rc11 1.1.1-rc.9 1.1.1-rc.10 1.1.0'),
    globs: ['1.1.1*', '*-rc*'],
    regexes: [{ regex: '1\\.1\\..-rc(?<n>\\d+)', groups: ['n'], numeric: ['n'] }],
    ranges: ['^1.1', '~1.1', '>=1.1.1-rc9'],
  },
  {
    tags: words(
      '2022.04.1 2022.4.1 2022.10.1 2022.12.1 2023.01.0 2023.02.0 2023.02.0-rc.1 2023.02.0-01 24.04.1 24.10.2 2024.09.30 2024.10.15 20240101 2022.04.1.2 2022.04 2022',
    ),
    globs: ['20*', '2022.*', '*.1'],
    regexes: [{ regex: '(?<year>20\\d\\d)\\.(?<month>\\d+)\\..*', groups: ['year'], numeric: ['month'] }],
    ranges: ['>=2022.5.0', '2022.x', '<2023'],
  },
  {
    tags: words('27.3.4 27.3.4.1 27.3.4.2 27.3.5 27.4.0.10 v27.4.0.9 7.02 7.2 7.10 7.2.0 7.02-alpine'),
    globs: ['27.*', '7.*'],
    regexes: [anyVersion, { regex: '7\\.(?<n>\\d+)', groups: [], numeric: ['n'] }],
    ranges: ['>27.3.4', '<=27.3.4', '7.x', '27.3.4'],
  },
  {
    tags: words(
      '1.4.2 1.4.3 1.4.2-alpine 1.4.3-alpine 1.5.0-rc.1-alpine 1.4.2-slim 1.4.3-slim 1.4.2-debian-12 1.4.2-debian-12-slim 2.0.0-alpine alpine 1.4-alpine 1-alpine v1.4.4-alpine',
    ),
    globs: ['*alpine', '1.4.*', '*-slim'],
    regexes: [anyVersion],
    ranges: ['~1.4', '>=1.4.3', '^1.4'],
  },
  {
    tags: words('1.4.2_build.3 1.4.2_build.10 1.4.2_amd64 1.5.0_build.1 1.5.0-rc.1_build.2 1.4.2_a_b 1.5.0'),
    globs: ['*_*', '1.4.*'],
    regexes: [anyVersion, { regex: '.*_build\\.(?<n>\\d+)', groups: [], numeric: ['n'] }],
    ranges: ['~1.4', '>=1.5.0'],
  },
  {
    tags: [...numbers(15).map((n) => `build-${n}`), 'build-007', 'build-123456789012345678901'],
    globs: ['build-*', 'build-?'],
    regexes: [{ regex: 'build-(?<n>\\d+)', groups: [], numeric: ['n'] }],
    ranges: [],
  },
  {
    tags: words(
      '1.0.0-20240105093000121 1.0.0-20240105093000122 1.0.0-rc.20240105093000123 1.99999999999999999999.0 1.99999999999999999998.0 99999999999999999999.0.0',
    ),
    globs: ['1.*'],
    regexes: [anyVersion],
    ranges: ['1.x', '<1.0.0', '>=1.0.0-0'],
  },
  {
    tags: words('app-1.2.3 app-1.2.10 app-1.10.0 web-1.2.3 cache-a cache-b sha-3f2a91c'),
    globs: ['app-*', 'cache-*', '*-1.2.*'],
    regexes: [{ regex: '(?<app>app|web)-(?<version>.*)', groups: ['app'], numeric: [] }],
    ranges: [],
  },
  {
    tags: words('latest prod-eu prod-us main dev-x stable 1 1.0 qa'),
    globs: ['latest', 'prod-*', 'main', 'stable', 'dev-*'],
    regexes: [plain('.*[aeiou].*')],
    ranges: [],
  },
]

function plain(regex: string): GroupedRegex {
  return { regex, groups: [], numeric: [] }
}

function words(text: string): readonly string[] {
  return text.split(' ')
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

/** The tags of all families. */
export const tagNames: readonly string[] = families.flatMap(({ tags }) => tags)

/** A few families in one: their tags have to meet in the rules. */
export const someFamilies: fc.Arbitrary<TagFamily> = fc
  .subarray([...families], { minLength: 1, maxLength: 3 })
  .map((chosen) => ({
    tags: chosen.flatMap(({ tags }) => tags),
    globs: chosen.flatMap(({ globs }) => globs),
    regexes: chosen.flatMap(({ regexes }) => regexes),
    ranges: [...chosen.flatMap(({ ranges }) => ranges), '>=1.0.0', '*'],
  }))
