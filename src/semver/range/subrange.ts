import subset from 'semver/ranges/subset.js'
import type { VersionRange } from './range.ts'

/**
 * Whether every version of one range is in another, by their texts: true is certain. If
 * node-semver cannot parse a range, for example because of a fourth number, only an equal range
 * includes it.
 */
export function isSubrange(inner: VersionRange, outer: VersionRange): boolean {
  if (inner.includePrerelease && !outer.includePrerelease) return false
  if (inner.raw === outer.raw) return true
  try {
    // With pre-releases, only the order of the bounds decides, and a fourth number follows it too.
    return subset(inner.raw, outer.raw, { includePrerelease: true })
  } catch {
    return false
  }
}
