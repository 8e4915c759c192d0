import Range from 'semver/classes/range.js'
import { DrayError } from '../lib/errors.ts'
import { formatVersion, nextVersion, parseVersion, type Version } from './version.ts'

/** A set of versions as node-semver writes it; make it with `parseRange` only. */
export type VersionRange = Readonly<Range>

/** How a range is meant. */
export interface RangeReading {
  /** every pre-release between its bounds is in it too, whatever it names; else only those that `isInRange` tells of */
  readonly preReleases: boolean
}

/**
 * `>=1.4 <2`, `^1.4`, `~1.4.2`, `1.x`, `1.2 - 1.4`, and several of them with `||` between (node-semver, Ranges).
 * @throws `malformed` for what is none, and for nothing at all, also beside `||`: a variable that is empty is not meant to be every version.
 */
export function parseRange(
  text: string,
  { preReleases }: RangeReading = { preReleases: false },
): VersionRange {
  try {
    const isWhole = text.split('||').every((piece) => piece.trim() !== '')
    if (isWhole) return new Range(text, { includePrerelease: preReleases })
  } catch {
    // the package's own words name no more than the text
  }
  throw new DrayError('malformed', `${JSON.stringify(text.slice(0, 100))} is not a range of versions`, {
    hint: "Write it as npm does, in quotes: '>=1.4 <2', '^1.4', '1.x', '1.4.2 || 1.5'.",
  })
}

/**
 * Whether a version is in the range. A pre-release is only where the range names one of the same major, minor and patch: `>=1.5.0-rc.1` has 1.5.0-rc.2,
 * and `>=1.4` has not (node-semver, Prerelease Tags); or where the range was read with `preReleases`.
 */
export function isInRange(version: Version, range: VersionRange): boolean {
  return range.test(version)
}

/** Whether any version is in the range: a stable one, or where it was read with `preReleases`, any. `>2 <1` has none. */
export function isSatisfiable({ set, includePrerelease }: VersionRange): boolean {
  return set.some((comparators) => {
    // the lowest version above a bound is in the range, or none is
    const named = comparators.flatMap(({ value, semver }) => (value === '' ? [] : [semver]))
    const lowest = [parseVersion('0.0.0-0'), parseVersion('0.0.0')]
    const candidates = [...lowest, ...named.flatMap((version) => [version, ...justAbove(version)])]
    return candidates.some(
      (version) =>
        version !== undefined &&
        (includePrerelease || version.prerelease.length === 0) &&
        comparators.every((comparator) => comparator.test(formatVersion(version))),
    )
  })
}

function justAbove(version: Version): readonly (Version | undefined)[] {
  const { major, minor, patch, prerelease } = version
  if (prerelease.length > 0)
    return [parseVersion(`${formatVersion(version)}.0`), parseVersion(`${major}.${minor}.${patch}`)]
  const next = (['patch', 'minor', 'major'] as const).map((part) => nextVersion(version, part))
  return next.flatMap((one) => (one === undefined ? [] : [parseVersion(`${formatVersion(one)}-0`), one]))
}
