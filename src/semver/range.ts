import Range from 'semver/classes/range.js'
import { DrayError } from '../errors.ts'
import type { Version } from './version.ts'

/** A set of versions as node-semver writes it; make it with `parseRange` only. */
export type VersionRange = Readonly<Range>

/**
 * `>=1.4 <2`, `^1.4`, `~1.4.2`, `1.x`, `1.2 - 1.4`, and several of them with `||` between (node-semver, Ranges).
 * @throws `malformed` for what is none, and for nothing at all: a variable that is empty is not meant to be every version.
 */
export function parseRange(text: string): VersionRange {
  try {
    if (text.trim() !== '') return new Range(text)
  } catch {
    // the package's own words name no more than the text
  }
  throw new DrayError('malformed', `${JSON.stringify(text.slice(0, 100))} is not a range of versions`, {
    hint: "Write it as npm does, in quotes: '>=1.4 <2', '^1.4', '1.x', '1.4.2 || 1.5'.",
  })
}

/**
 * Whether a version is in the range. A pre-release is only where the range names one of the same major, minor and patch: `>=1.5.0-rc.1` has 1.5.0-rc.2,
 * and `>=1.4` has not (node-semver, Prerelease Tags).
 */
export function isInRange(version: Version, range: VersionRange): boolean {
  return range.test(version)
}

/** The same range with every pre-release between its ends: `>=1.4 <2` then has 1.5.0-rc.2 (node-semver, `includePrerelease`). */
export function withPrereleases(range: VersionRange): VersionRange {
  return new Range(range.raw, { includePrerelease: true })
}
