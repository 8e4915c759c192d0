import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import { decideTags, tagsToRead } from '../../src/plan/decide-tags.ts'
import { defaultTagPolicy, type TagPolicy } from '../../src/semver/tag-policy.ts'
import { parseVersion, plainReading, type VersionTag } from '../../src/semver/version.ts'
import { versionTags } from '../../src/semver/version-tags.ts'

/**
 * Releases one after another into a repository that is a map, with rules for what must be so that
 * are written here anew, without a parser or a comparison of `src/`.
 */
interface Release {
  readonly major: number
  readonly minor: number
  readonly patch: number
  readonly pre?: string
}
type Repository = ReadonlyMap<string, Digest>

const part = fc.integer({ min: 0, max: 2 })
const release = fc.record(
  { major: part, minor: part, patch: part, pre: fc.constantFrom('beta.1', 'beta.2', 'rc.1', 'rc.10') },
  { requiredKeys: ['major', 'minor', 'patch'] },
)
const nameOf = ({ major, minor, patch, pre }: Release): string =>
  `${major}.${minor}.${patch}${pre === undefined ? '' : `-${pre}`}`
const releases = fc.uniqueArray(release, { selector: nameOf, minLength: 1, maxLength: 12 })
const policy: TagPolicy = { ...defaultTagPolicy, channels: ['beta'] }

function given(text: string): VersionTag {
  const version = parseVersion(text, plainReading)
  if (version === undefined) throw new Error(`${text} is not a version`)
  return { tag: text, version, hasV: text.startsWith('v') }
}

function tag(
  repository: Repository,
  text: string,
  rules: TagPolicy = policy,
): { repository: Repository; writes: number; refusals: number } {
  const listed = [...repository.keys()]
  const wanted = { plain: [], version: versionTags(given(text), listed, rules) }
  const read = tagsToRead(wanted, new Set(listed))
  const { waves, refusals } = decideTags(
    { image: 'api', repository: { registry: 'r.example', path: 'api' }, root: digestOf(text), ...wanted },
    new Map(read.map((name) => [name, repository.get(name) ?? null])),
    { immutable: [], moveTags: false, reading: rules },
  )
  const written = refusals.length > 0 ? [] : waves.flat().filter(({ change }) => change !== 'unchanged')
  const after = new Map(repository)
  for (const one of written) after.set(one.tag, digestOf(text))
  return { repository: after, writes: written.length, refusals: refusals.length }
}

const releaseAll = (all: readonly Release[]): Repository =>
  all.reduce<Repository>((repository, one) => tag(repository, nameOf(one)).repository, new Map())

const rankOf = ({ major, minor, patch }: Release): number => major * 10_000 + minor * 100 + patch
const highest = (all: readonly Release[]): Release | undefined =>
  [...all].sort((a, b) => rankOf(b) - rankOf(a))[0]

/**
 * Where each floating tag must be once all of these are there, whatever the order in which they
 * came.
 */
function floatingOf(all: readonly Release[]): ReadonlyMap<string, string> {
  const stable = all.filter(({ pre }) => pre === undefined)
  const wanted = new Map<string, string>()
  const put = (name: string, among: readonly Release[]): void => {
    const top = highest(among)
    if (top !== undefined) wanted.set(name, nameOf(top))
  }
  put('latest', stable)
  for (const { major, minor } of stable) {
    put(
      `${major}.${minor}`,
      stable.filter((one) => one.major === major && one.minor === minor),
    )
    if (major > 0)
      put(
        `${major}`,
        stable.filter((one) => one.major === major),
      )
  }
  return wanted
}

describe('releases in any order', () => {
  it('leave every floating tag at the highest version of its line, and every exact tag at its own image', () => {
    fc.assert(
      fc.property(releases, (all) => {
        const repository = releaseAll(all)
        for (const [name, version] of floatingOf(all)) expect(repository.get(name)).toBe(digestOf(version))
        for (const one of all) expect(repository.get(nameOf(one))).toBe(digestOf(nameOf(one)))
      }),
    )
  })

  it('have the same result', () => {
    fc.assert(
      fc.property(
        releases.chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
        ),
        ([all, shuffled]) => {
          expect(releaseAll(shuffled)).toEqual(releaseAll(all))
        },
      ),
    )
  })

  it('never move a floating tag or a channel to a lower version', () => {
    fc.assert(
      fc.property(releases, (all) => {
        const byDigest = new Map(all.map((one) => [digestOf(nameOf(one)), one]))
        let repository: Repository = new Map()
        for (const one of all) {
          const before = repository
          repository = tag(repository, nameOf(one)).repository
          for (const [name, digest] of repository) {
            const [was, is] = [byDigest.get(before.get(name) ?? digest), byDigest.get(digest)]
            if (was === undefined || is === undefined) throw new Error('an image from nowhere')
            expect(rankOf(is), name).toBeGreaterThanOrEqual(rankOf(was))
          }
        }
      }),
    )
  })

  it('write nothing if they are repeated', () => {
    fc.assert(
      fc.property(releases, (all) => {
        const repository = releaseAll(all)
        for (const one of all) {
          const again = tag(repository, nameOf(one))
          expect([again.writes, again.refusals]).toEqual([0, 0])
        }
      }),
    )
  })

  it('with allowBackward move floating tags to the last release, and the next release moves them forward', () => {
    fc.assert(
      fc.property(releases, release, (all, back) => {
        const before = releaseAll(all)
        const after = tag(before, nameOf(back), { ...policy, allowBackward: true })
        fc.pre(after.refusals === 0)
        const kept = back.pre === undefined ? digestOf(nameOf(back)) : before.get('latest')
        expect(after.repository.get('latest')).toBe(kept)
        const next = tag(after.repository, '9.9.9').repository
        for (const name of ['latest', '9', '9.9', '9.9.9']) expect(next.get(name)).toBe(digestOf('9.9.9'))
      }),
    )
  })
})

it('another image for an existing version is refused in every spelling, and no tag moves', () => {
  fc.assert(
    fc.property(releases, fc.boolean(), (all, hasV) => {
      const repository = releaseAll(all)
      const [first] = all
      if (first === undefined) throw new Error('one at least')
      const text = `${hasV ? 'v' : ''}${nameOf(first)}`
      const listed = [...repository.keys()]
      const wanted = { plain: [], version: versionTags(given(text), listed, policy) }
      const { refusals } = decideTags(
        {
          image: 'api',
          repository: { registry: 'r.example', path: 'api' },
          root: digestOf('another'),
          ...wanted,
        },
        repository,
        { immutable: [], moveTags: false, reading: plainReading },
      )
      expect(refusals).toMatchObject([{ code: 'refused' }])
    }),
  )
})

/**
 * A repository as people leave it: both spellings, build metadata, floating tags on anything, tags
 * that are no versions.
 */
const exactTag = fc
  .tuple(fc.constantFrom('', 'v'), part, part, part, fc.constantFrom('', '', '', '-rc.1', '_amd64'))
  .map(([v, major, minor, patch, suffix]) => `${v}${major}.${minor}.${patch}${suffix}`)
const looseTag = fc.oneof(
  fc.tuple(fc.constantFrom('', 'v'), part).map(([v, major]) => `${v}${major}`),
  fc.tuple(fc.constantFrom('', 'v'), part, part).map(([v, major, minor]) => `${v}${major}.${minor}`),
  fc.constantFrom('latest', 'edge', '20240101', 'beta', 'rc'),
)
const grown = fc.record({
  exact: fc.uniqueArray(exactTag, { maxLength: 8 }),
  loose: fc.dictionary(looseTag, fc.nat({ max: 7 }), { maxKeys: 6 }),
  given: fc
    .oneof(
      exactTag,
      exactTag.map((text) => text.replace('_', '+')),
    )
    .filter((text) => !text.includes('_')),
  policy: fc.record({
    v: fc.constantFrom('keep' as const, 'none' as const, 'always' as const),
    buildMetadata: fc.boolean(),
    majorZero: fc.boolean(),
    channels: fc.constantFrom<readonly string[]>([], ['rc', 'beta']),
  }),
})

/** Major, minor and patch of a stable version tag, by the text alone. */
function stableNumbers(text: string, buildMetadata: boolean): readonly number[] | undefined {
  const found = (buildMetadata ? /^v?(\d+)\.(\d+)\.(\d+)(?:_\w+)?$/ : /^v?(\d+)\.(\d+)\.(\d+)$/).exec(text)
  return found?.slice(1).map(Number)
}

it('in any repository exact tags are kept, floating tags move only to the highest version of their line, and a second run writes nothing', () => {
  fc.assert(
    fc.property(grown, ({ exact, loose, given: text, policy: rules }) => {
      const all = { ...policy, ...rules }
      const before: Repository = new Map([
        ...exact.map((name) => [name, digestOf(`image ${name}`)] as const),
        ...Object.entries(loose).map(
          ([name, on]) => [name, digestOf(`image ${exact[on] ?? 'else'}`)] as const,
        ),
      ])
      const after = tag(before, text, all)
      for (const name of exact) expect(after.repository.get(name), name).toBe(before.get(name))
      const moved = [...after.repository].filter(
        ([name, digest]) => before.get(name) !== digest && !/\d\.\d\.\d/.test(name),
      )
      const own = stableNumbers(text.replace('+', '_'), true) ?? []
      for (const [name] of moved.filter(([one]) => !rules.channels.includes(one))) {
        const line = name === 'latest' ? [] : name.replace('v', '').split('.').map(Number)
        const rivals = exact.flatMap((one) => {
          const numbers = stableNumbers(one, rules.buildMetadata)
          return numbers !== undefined && line.every((number, i) => numbers[i] === number) ? [numbers] : []
        })
        const rank = (numbers: readonly number[]): number =>
          numbers.reduce((sum, number) => sum * 1000 + number, 0)
        expect(
          line.every((number, i) => own[i] === number),
          name,
        ).toBe(true)
        expect(Math.max(0, ...rivals.map(rank)), name).toBeLessThanOrEqual(rank(own))
      }
      expect(tag(after.repository, text, all).writes).toBe(0)
    }),
    { numRuns: 1000 },
  )
})
