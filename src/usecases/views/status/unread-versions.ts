import {
  classifyTag,
  compareVersions,
  isStable,
  parseVersionTag,
  type Version,
  type VersionReading,
} from '../../../semver/version.ts'

/** The numbers of a version-like tag: `2026.09.01`, `27.3.4.1`, `1.5.0_build.7`. */
const numbered = /^v?(\d+(?:\.\d+){2,})/

/** Letters and digits in one identifier, such as `rc10`: semver.org 11 compares them as text. */
const lettersAndDigits = /[a-z]\d|\d[a-z]/i

/**
 * Whether one list has a tag that the other lacks, that `reading` does not read as a version, and
 * whose numbers are above those of a version. Such a tag may be the real highest version. If the
 * version is a pre-release such as rc9, so may be another pre-release of the same version: rc10.
 */
export function hasHigherUnread(
  tags: readonly string[],
  others: readonly string[],
  version: Version,
  reading: VersionReading,
): boolean {
  const there = new Set(others)
  return tags.some((tag) => {
    if (there.has(tag)) return false
    switch (classifyTag(tag, reading)) {
      case 'version':
        return !isStable(version) && isUnsure(tag, version, reading)
      case 'versionLike': {
        const [, numbers = ''] = numbered.exec(tag) ?? []
        return isHigher(numbers.split('.').map(BigInt), numbersOf(version))
      }
      case 'plain':
        return false
    }
  })
}

function numbersOf({ major, minor, patch, fourth }: Version): readonly bigint[] {
  return [major, minor, patch, fourth].map(BigInt)
}

function isHigher(numbers: readonly bigint[], than: readonly bigint[]): boolean {
  for (const [i, number] of numbers.entries()) {
    const other = than[i] ?? 0n
    if (number !== other) return number > other
  }
  return false
}

function isSameRelease(a: Version, b: Version): boolean {
  return compareVersions({ ...a, prerelease: [] }, { ...b, prerelease: [] }) === 0
}

/**
 * Whether only the order of letters and digits as text puts a pre-release below another one. In
 * `loose`, they compare as numbers.
 */
function isUnsure(tag: string, than: Version, reading: VersionReading): boolean {
  if (reading.scheme === 'loose') return false
  const version = parseVersionTag(tag, reading)?.version
  if (version === undefined || !isSameRelease(version, than)) return false
  const at = version.prerelease.findIndex((part, i) => part !== than.prerelease[i])
  return [version.prerelease[at], than.prerelease[at]].every(
    (part) => typeof part === 'string' && lettersAndDigits.test(part),
  )
}
