import { parseVersion, type Version } from '../../../semver/version.ts'

/** Numbers in a row that are no semantic version: `2026.09.01`, `27.3.4.1`. */
const numbered = /^v?(\d+(?:\.\d+){2,})$/

/**
 * Whether one list has a tag that the other lacks, that looks like a version of another scheme, and
 * that is above a version. Such a tag may be the real highest version.
 */
export function hasHigherUnread(
  tags: readonly string[],
  others: readonly string[],
  { major, minor, patch }: Version,
): boolean {
  const there = new Set(others)
  return tags.some((tag) => {
    const [, numbers] = numbered.exec(tag) ?? []
    if (numbers === undefined || there.has(tag) || parseVersion(tag) !== undefined) return false
    return isHigher(numbers.split('.').map(BigInt), [major, minor, patch].map(BigInt))
  })
}

function isHigher(numbers: readonly bigint[], than: readonly bigint[]): boolean {
  for (const [i, number] of numbers.entries()) {
    const other = than[i] ?? 0n
    if (number !== other) return number > other
  }
  return false
}
