import { describe, expect, it } from 'vitest'
import { defaultTagPolicy, type TagPolicy } from '../../src/semver/tag-policy.ts'
import { parseVersion, plainReading } from '../../src/semver/version.ts'
import { versionTags, type VersionTags } from '../../src/semver/version-tags.ts'

function tagsOf(text: string, repository: string, policy: Partial<TagPolicy> = {}): VersionTags {
  const version = parseVersion(text, { ...defaultTagPolicy, ...policy })
  if (version === undefined) throw new Error(`${text} is not a version`)
  const present = repository === '' ? [] : repository.split(' ')
  return versionTags({ tag: text, version, hasV: text.startsWith('v') }, present, {
    ...defaultTagPolicy,
    ...policy,
  })
}

/** `moves | stays: reason`, as one line. */
function format({ exact, floating }: VersionTags): string {
  const moves = [exact, ...floating.filter((one) => one.moves).map(({ tag }) => tag)].join(' ')
  const stays = floating.filter((one) => !one.moves).map(({ tag, reason }) => `${tag}: ${reason}`)
  return stays.length === 0 ? moves : `${moves} | ${stays.join(', ')}`
}

type Row = readonly [repository: string, version: string, expected: string, policy?: Partial<TagPolicy>]

describe.each<readonly [string, readonly Row[]]>([
  [
    'floating tags only move forward, compared with all versions of the repository',
    [
      ['', '1.0.0', '1.0.0 1.0 1 latest'],
      ['1.4.0 1.4 1 latest', '1.3.9', '1.3.9 1.3 | 1: 1.4.0 is higher, latest: 1.4.0 is higher'],
      ['1.4.0', '1.4.1', '1.4.1 1.4 1 latest'],
      ['1.4.0 2.0.0', '1.5.0', '1.5.0 1.5 1 | latest: 2.0.0 is higher'],
      ['1.4.0 1.5.0', '1.4.1', '1.4.1 1.4 | 1: 1.5.0 is higher, latest: 1.5.0 is higher'],
      ['1.4.2', '1.4.2', '1.4.2 1.4 1 latest'],
      ['1.9.0', '1.10.0', '1.10.0 1.10 1 latest'],
      ['1.10.0', '1.9.0', '1.9.0 1.9 | 1: 1.10.0 is higher, latest: 1.10.0 is higher'],
      ['1.4.3', '1.4.2', '1.4.2 | 1.4: 1.4.3 is higher, 1: 1.4.3 is higher, latest: 1.4.3 is higher'],
      ['1.0.0 2.0.0 3.0.0', '2.1.0', '2.1.0 2.1 2 | latest: 3.0.0 is higher'],
      // Floating tags alone do not show which version they point at.
      ['2.0 2 latest', '1.0.0', '1.0.0 1.0 1 latest'],
    ],
  ],
  [
    'tags other than MAJOR.MINOR.PATCH do not count',
    [
      ['20240101 99 abc1234', '1.0.0', '1.0.0 1.0 1 latest'],
      ['1.4 2 9.9 latest 3.0 v4', '1.0.0', '1.0.0 1.0 1 latest'],
      ['01.9.0 1.09.0 1.9.00 =2.0.0 2.0.0.0 vv3.0.0 V4.0.0', '1.0.0', '1.0.0 1.0 1 latest'],
      ['sha256-aaaa 2.0.0-', '1.0.0', '1.0.0 1.0 1 latest'],
    ],
  ],
  [
    'a pre-release gets only its exact tag, and does not hold back floating tags',
    [
      [
        '1.4.0',
        '2.0.0-rc.1',
        '2.0.0-rc.1 | 2.0: 2.0.0-rc.1 is a pre-release, 2: 2.0.0-rc.1 is a pre-release, latest: 2.0.0-rc.1 is a pre-release',
      ],
      ['2.0.0-rc.1', '1.0.0', '1.0.0 1.0 1 latest'],
      ['1.4.1-rc.1', '1.4.0', '1.4.0 1.4 1 latest'],
      [
        '2.0.0',
        '2.0.0-rc.2',
        '2.0.0-rc.2 | 2.0: 2.0.0-rc.2 is a pre-release, 2: 2.0.0-rc.2 is a pre-release, latest: 2.0.0-rc.2 is a pre-release',
      ],
    ],
  ],
  [
    'a channel must be configured, and only moves forward',
    [
      ['2.0.0-beta.1', '2.0.0-beta.2', '2.0.0-beta.2 beta', { channels: ['beta'], levels: ['exact'] }],
      [
        '2.0.0-beta.10',
        '2.0.0-beta.9',
        '2.0.0-beta.9 | beta: 2.0.0-beta.10 is higher',
        { channels: ['beta'], levels: ['exact'] },
      ],
      [
        '3.0.0-beta.1',
        '2.0.0-beta.2',
        '2.0.0-beta.2 | beta: 3.0.0-beta.1 is higher',
        { channels: ['beta'], levels: ['exact'] },
      ],
      [
        '2.0.0-rc.1 9.0.0',
        '2.0.0-beta.1',
        '2.0.0-beta.1 beta',
        { channels: ['beta', 'rc'], levels: ['exact'] },
      ],
      ['', '2.0.0-next.1', '2.0.0-next.1', { channels: ['beta'], levels: ['exact'] }],
      ['', '2.0.0-0.beta', '2.0.0-0.beta', { channels: ['beta'], levels: ['exact'] }],
      ['', '2.0.0', '2.0.0', { channels: ['beta'], levels: ['exact'] }],
    ],
  ],
  [
    'major version 0 has no tag unless it is configured',
    [
      ['0.3.0', '0.3.1', '0.3.1 0.3 latest | 0: major version 0 has no such tag'],
      ['0.3.0', '0.3.1', '0.3.1 0.3 0 latest', { majorZero: true }],
      ['0.4.0', '0.3.1', '0.3.1 0.3 | 0: 0.4.0 is higher, latest: 0.4.0 is higher', { majorZero: true }],
      ['0.9.0', '1.0.0', '1.0.0 1.0 1 latest'],
    ],
  ],
  [
    'build metadata is written with an underscore, and read only if it is configured',
    [
      ['1.4.0', '1.4.1+build.7', '1.4.1_build.7 1.4 1 latest', { buildMetadata: true }],
      [
        '1.4.1_build.9',
        '1.4.0',
        '1.4.0 | 1.4: 1.4.1+build.9 is higher, 1: 1.4.1+build.9 is higher, latest: 1.4.1+build.9 is higher',
        { buildMetadata: true },
      ],
      ['1.4.1_amd64', '1.4.0', '1.4.0 1.4 1 latest'],
      [
        '1.4.0',
        '1.4.1+build.7',
        '1.4.1_build.7 | 1.4: 1.4.1+build.7 is not read back as a version here (buildMetadata is not set), 1: 1.4.1+build.7 is not read back as a version here (buildMetadata is not set), latest: 1.4.1+build.7 is not read back as a version here (buildMetadata is not set)',
      ],
      ['', '1.4.1-rc.1+b', '1.4.1-rc.1_b', { buildMetadata: true, levels: ['exact'] }],
      [
        '',
        '1.4.1-beta.1+b',
        '1.4.1-beta.1_b | beta: 1.4.1-beta.1+b is not read back as a version here (buildMetadata is not set)',
        { channels: ['beta'], levels: ['exact'] },
      ],
    ],
  ],
  [
    'the prefix v is as in the repository',
    [
      ['v1.2.0', '1.2.1', 'v1.2.1 v1.2 v1 latest'],
      ['1.2.0', 'v1.2.1', '1.2.1 1.2 1 latest'],
      ['v1.2.0', 'v1.2.1', 'v1.2.1 v1.2 v1 latest', { v: 'none' }],
      ['1.2.0', '1.2.1', '1.2.1 1.2 1 latest', { v: 'always' }],
      // pre-releases show the spelling too
      ['v1.2.0-rc.1', '1.2.0', 'v1.2.0 v1.2 v1 latest'],
      // floating tags that are there go on as they are spelled
      ['v1.2.0 1.2 1 latest', 'v1.2.1', 'v1.2.1 1.2 1 latest'],
      ['v1.2.0 v1.2 1', 'v1.2.1', 'v1.2.1 v1.2 v1 latest'],
      // … also one whose first version this is
      ['v0.1.0 1 1.0', '1.0.0', 'v1.0.0 1.0 1 latest'],
    ],
  ],
  [
    'the prefix v is as configured if the repository is empty',
    [
      ['', 'v1.0.0', '1.0.0 1.0 1 latest'],
      ['', 'v1.0.0', 'v1.0.0 v1.0 v1 latest', { v: 'keep' }],
      ['', '1.0.0', '1.0.0 1.0 1 latest', { v: 'keep' }],
      ['', '1.0.0', 'v1.0.0 v1.0 v1 latest', { v: 'always' }],
      ['latest v1 edge', '1.0.0', '1.0.0 1.0 1 latest'],
    ],
  ],
  [
    'if the repository has both prefixes, the exact tag is as given and floating tags are as configured',
    [
      ['v1.4.0 1.4.0 latest', '1.3.0', '1.3.0 1.3 | 1: 1.4.0 is higher, latest: 1.4.0 is higher'],
      ['v1.4.0 1.4.0', 'v1.5.0', 'v1.5.0 1.5 1 latest'],
      ['v1.4.0 1.3.0', '1.5.0', '1.5.0 v1.5 v1 latest', { v: 'always' }],
      ['v1.4.0 1.3.0', 'v1.5.0', 'v1.5.0 v1.5 v1 latest', { v: 'keep' }],
    ],
  ],
  [
    'levels that are not configured are omitted',
    [
      ['', '1.0.0', '1.0.0', { levels: ['exact'] }],
      ['', '1.0.0', '1.0.0 latest', { levels: ['exact', 'latest'] }],
      ['1.4.0', '1.3.0', '1.3.0 1.3', { levels: ['exact', 'minor'] }],
      ['', '1.0.0', '1.0.0 1', { levels: ['major'] }],
    ],
  ],
  [
    'with allowBackward floating tags also move backward',
    [
      ['1.4.0 2.0.0', '1.3.9', '1.3.9 1.3 1 latest', { allowBackward: true }],
      [
        '1.4.0',
        '2.0.0-rc.1',
        '2.0.0-rc.1 | 2.0: 2.0.0-rc.1 is a pre-release, 2: 2.0.0-rc.1 is a pre-release, latest: 2.0.0-rc.1 is a pre-release',
        { allowBackward: true },
      ],
    ],
  ],
])('%s', (_, rows) => {
  it.each(
    rows.map(([a, b, c, policy]) => ({ name: `[${a}] ${b} -> ${c}`, row: [a, b, c] as const, policy })),
  )('$name', ({ row, policy }) => {
    const [repository, version, expected] = row
    expect(format(tagsOf(version, repository, policy))).toBe(expected)
  })
})

describe('the same version', () => {
  it.each<[string, string, readonly string[], Partial<TagPolicy>?]>([
    ['v1.4.2 under another spelling', 'v1.4.2 1.4.1', ['v1.4.2']],
    ['with other build metadata', '1.4.2_a 1.4.2_b 1.4.2', ['1.4.2_a', '1.4.2_b'], { buildMetadata: true }],
    ['not with a suffix that is not build metadata', '1.4.2_amd64 1.4.2', []],
    ['not a pre-release of it', '1.4.2-rc.1', []],
  ])('is found: %s', (_, repository, same, policy) => {
    const found = tagsOf('1.4.2', repository, policy)
    expect([...found.same, found.exact].filter((tag) => tag !== '1.4.2').sort()).toEqual([...same].sort())
  })
})

it('gives the reason, and marks tags that move backward', () => {
  expect(tagsOf('1.4.0', '1.5.0', { allowBackward: true }).floating).toEqual([
    { tag: '1.4', line: { major: 1, minor: 4 }, moves: true, reason: 'highest 1.4' },
    { tag: '1', line: { major: 1 }, moves: true, reason: '1.5.0 is higher', backward: true },
    { tag: 'latest', line: {}, moves: true, reason: '1.5.0 is higher', backward: true },
  ])
})

it('other versions of the same run count like existing ones', () => {
  const version = parseVersion('1.4.0', plainReading)
  const beside = parseVersion('1.5.0', plainReading)
  if (version === undefined || beside === undefined) throw new Error('they are versions')
  const found = versionTags({ tag: '1.4.0', version, hasV: false }, [], defaultTagPolicy, [version, beside])
  expect(format(found)).toBe('1.4.0 1.4 | 1: 1.5.0 is higher, latest: 1.5.0 is higher')
})
