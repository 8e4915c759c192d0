import Range from 'semver/classes/range.js'
import parse from 'semver/functions/parse.js'
import type SemVer from 'semver/classes/semver.js'
import { DrayError } from '../lib/errors.ts'
import type { Version } from './version.ts'

/** A range of node-semver; only `parseRange` makes one. */
export type VersionRange = Readonly<Range>

export interface RangeReading {
  /** the range has all pre-releases between its bounds; else those that `isInRange` describes */
  readonly preReleases: boolean
}

/**
 * Parses `>=1.4 <2`, `^1.4`, `~1.4.2`, `1.x`, `1.2 - 1.4`, and several of them with `||` between
 * (node-semver, Ranges).
 * @throws `malformed`, also for an empty text or part: an empty variable must not mean every
 * version.
 */
export function parseRange(
  text: string,
  { preReleases }: RangeReading = { preReleases: false },
): VersionRange {
  try {
    const isWhole = text.split('||').every((part) => part.trim() !== '')
    if (isWhole) return new Range(text, { includePrerelease: preReleases })
  } catch {
    // the message of the package only repeats the text
  }
  throw new DrayError('malformed', `${JSON.stringify(text.slice(0, 100))} is not a range of versions`, {
    hint: "Write it as npm does, in quotes: '>=1.4 <2', '^1.4', '1.x', '1.4.2 || 1.5'.",
  })
}

/**
 * Whether a version is in the range. Without `preReleases`, a pre-release is in it only if the
 * range names a pre-release of the same major, minor and patch: `>=1.5.0-rc.1` has 1.5.0-rc.2, and
 * `>=1.4` does not (node-semver, Prerelease Tags).
 */
export function isInRange(version: Version, range: VersionRange): boolean {
  const { major, minor, patch, prerelease } = version
  return range.test(`${major}.${minor}.${patch}${prerelease.length === 0 ? '' : `-${prerelease.join('.')}`}`)
}

/** Whether the range has any version: a stable one, or with `preReleases` any. `>2 <1` has none. */
export function isSatisfiable({ set, includePrerelease }: VersionRange): boolean {
  return set.some((comparators) => {
    // if the range has a version, it has one of the lowest versions at or above its bounds
    const named = comparators.flatMap(({ value, semver }) => (value === '' ? [] : [semver]))
    const lowest = [parse('0.0.0-0'), parse('0.0.0')]
    const candidates = [...lowest, ...named.flatMap((version) => [version, ...justAbove(version)])]
    return candidates.some(
      (version) =>
        version !== null &&
        (includePrerelease || version.prerelease.length === 0) &&
        comparators.every((comparator) => comparator.test(version)),
    )
  })
}

function justAbove({ version, major, minor, patch, prerelease }: SemVer): readonly (SemVer | null)[] {
  if (prerelease.length > 0) return [parse(`${version}.0`), parse(`${major}.${minor}.${patch}`)]
  const next = [`${major + 1}.0.0`, `${major}.${minor + 1}.0`, `${major}.${minor}.${patch + 1}`]
  return next.flatMap((one) => [parse(`${one}-0`), parse(one)])
}
