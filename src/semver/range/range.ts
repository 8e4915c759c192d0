import { DrayError } from '../../lib/errors.ts'
import { nextNumber } from '../number.ts'
import { boundOf, type Comparator, parseComparators } from './range-syntax.ts'
import { compareVersions, isStable, type Version } from '../version.ts'

/** A range of versions in the syntax of node-semver; only `parseRange` makes one. */
export interface VersionRange {
  /** the text, with single spaces */
  readonly raw: string
  /** the range has all pre-releases between its bounds; else those that `isInRange` describes */
  readonly includePrerelease: boolean
  /** a version is in the range if all comparators of one set match */
  readonly sets: readonly (readonly Comparator[])[]
}

export interface RangeOptions {
  /** the range has all pre-releases between its bounds; else those that `isInRange` describes */
  readonly includePrerelease: boolean
}

/**
 * Parses `>=1.4 <2`, `^1.4`, `~1.4.2`, `1.x`, `1.2 - 1.4`, and several of them with `||` between
 * (node-semver, Ranges). Numbers can have zero padding, and there can be a fourth one.
 * @throws `malformed`, also for an empty text or part: an empty variable must not mean every
 * version.
 */
export function parseRange(
  text: string,
  { includePrerelease }: RangeOptions = { includePrerelease: false },
): VersionRange {
  const raw = text.trim().replaceAll(/\s+/g, ' ')
  const sets = raw.split('||').map((part) => parseComparators(part, includePrerelease))
  const valid = sets.filter((set) => set !== undefined)
  if (valid.length < sets.length) {
    throw new DrayError('malformed', `${JSON.stringify(text.slice(0, 100))} is not a range of versions`, {
      hint: "Write it as npm does, in quotes: '>=1.4 <2', '^1.4', '1.x', '1.4.2 || 1.5'.",
    })
  }
  const any = valid.find((set) => set.length === 0)
  return { raw, includePrerelease, sets: any === undefined ? valid : [any] }
}

/**
 * Whether a version is in the range, of any variant. Without `includePrerelease`, a pre-release is
 * in it only if the range names a pre-release of the same numbers: `>=1.5.0-rc.1` has 1.5.0-rc.2,
 * and `>=1.4` does not (node-semver, Prerelease Tags).
 */
export function isInRange(version: Version, { sets, includePrerelease }: VersionRange): boolean {
  return sets.some(
    (set) =>
      set.every((one) => matches(version, one)) &&
      (includePrerelease || isStable(version) || set.some(({ bound }) => namesPreRelease(bound, version))),
  )
}

function matches(version: Version, { operator, bound }: Comparator): boolean {
  const order = compareVersions(version, bound)
  switch (operator) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '=':
      return order === 0
  }
}

function namesPreRelease(bound: Version, version: Version): boolean {
  const numbers = compareVersions({ ...bound, prerelease: [] }, { ...version, prerelease: [] })
  return !isStable(bound) && numbers === 0
}

/**
 * Whether the range has any version: a stable one, or with `includePrerelease` any. `>2 <1` has
 * none. Versions have a fourth number only if the range names one.
 */
export function isSatisfiable({ sets, includePrerelease }: VersionRange): boolean {
  return sets.some((set) => {
    // if the range has a version, it has one of the lowest versions at or above its bounds
    const bounds = set.map(({ bound }) => bound)
    const count = bounds.some(({ fourth }) => fourth !== 0) ? 4 : 3
    const candidates = [
      boundOf([], ['0']),
      boundOf([], []),
      ...bounds,
      ...bounds.flatMap((one) => justAbove(one, count)),
    ]
    // the order of rc9 and rc10 depends on the scheme, which is unknown
    const ofSchemes = candidates.flatMap((one) => [one, { ...one, scheme: 'semver' as const }])
    return ofSchemes.some(
      (version) => (includePrerelease || isStable(version)) && set.every((one) => matches(version, one)),
    )
  })
}

function justAbove(version: Version, count: number): readonly Version[] {
  const numbers = [version.major, version.minor, version.patch, version.fourth].slice(0, count)
  if (!isStable(version)) return [boundOf(numbers, [...version.prerelease, '0']), boundOf(numbers, [])]
  return numbers.flatMap((number, at) => {
    const next = [...numbers.slice(0, at), nextNumber(number)]
    return [boundOf(next, ['0']), boundOf(next, [])]
  })
}
