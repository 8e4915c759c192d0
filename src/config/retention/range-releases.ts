import { nextNumber, type VersionNumber } from '../../semver/number.ts'
import { isInRange, type VersionRange } from '../../semver/range/range.ts'
import { isStable, parseVersion, type Version, type VersionReading } from '../../semver/version.ts'

/** The numbers of the lowest versions of all schemes. A calendar version begins with a year. */
const lowest: readonly (readonly VersionNumber[])[] = [
  [0, 0, 0],
  ...Array.from({ length: 130 }, (_, i) => [1970 + i, 1, 0]),
  [0, 1, 0],
]

/**
 * Whether a range has a release that a repository can have: under `semver`, `>=2022` has none,
 * because such numbers are dates. It considers the bounds of the range and the versions just above.
 */
export function hasRelease(range: VersionRange, reading: VersionReading): boolean {
  const bounds = range.sets.flatMap((set) => set.map(({ bound }) => numbersOf(bound)))
  const above = bounds.flatMap(justAbove)
  const candidates = [...lowest, ...bounds, ...above, ...above.flatMap(justAbove)]
  const texts = new Set(candidates.map((numbers) => textOf(numbers, reading)))
  return [...texts].some((text) => {
    const version = parseVersion(text, reading)
    return version !== undefined && isStable(version) && isInRange(version, range)
  })
}

/** A calendar version has at least two digits for the year. */
function textOf([first = 0, ...others]: readonly VersionNumber[], { scheme }: VersionReading): string {
  return [scheme === 'calver' ? `${first}`.padStart(2, '0') : first, ...others].join('.')
}

function numbersOf({ major, minor, patch, fourth }: Version): readonly VersionNumber[] {
  return fourth === 0 ? [major, minor, patch] : [major, minor, patch, fourth]
}

/** Returns the numbers with one of them incremented, and those after it 0. */
function justAbove(numbers: readonly VersionNumber[]): readonly (readonly VersionNumber[])[] {
  return numbers.map((number, at) =>
    numbers.map((one, i) => (i < at ? one : i > at ? 0 : nextNumber(number))),
  )
}

/**
 * Returns the bounds whose pre-releases are in the range although the release is not: 2.0.0 of
 * `<2.0.0`, which has 2.0.0-rc.1. None if the range does not include pre-releases, or if it names a
 * pre-release of the bound.
 */
export function boundsWithPreReleases(range: VersionRange): readonly Version[] {
  if (!range.includePrerelease) return []
  const named = range.sets.flatMap((set) => set.map(({ bound }) => bound))
  const isNamed = (bound: Version): boolean =>
    named.some((one) => !isStable(one) && numbersOf(one).join('.') === numbersOf(bound).join('.'))
  return range.sets.flatMap((set) =>
    set.flatMap(({ operator, bound }) => {
      if (operator !== '<' || !isStable(bound) || isNamed(bound)) return []
      const preRelease = { ...bound, prerelease: ['rc', '1'] }
      return isInRange(preRelease, range) && !isInRange(bound, range) ? [bound] : []
    }),
  )
}

/** Whether a range that was parsed without pre-releases names one, and can select some. */
export function namesPreRelease({ sets }: VersionRange): boolean {
  // `<2` has the bound 2.0.0-0, the lowest pre-release, and no version is between the two.
  return sets.some((set) =>
    set.some(
      ({ operator, bound }) => !isStable(bound) && !(operator === '<' && bound.prerelease.join('.') === '0'),
    ),
  )
}
