import { matchesAnyGlob } from '../../../oci/tag-glob.ts'
import { isInRange, type VersionRange } from '../../../semver/range/range.ts'
import { parseVersionTag, type VersionReading } from '../../../semver/version.ts'

/** Selects tags. An absent field selects all; one of several globs must match. */
export interface TagFilter {
  /** selects version tags in this range */
  readonly range?: VersionRange
  readonly globs?: readonly string[]
  /** milliseconds since 1970: selects images whose own time is this or later */
  readonly since?: number
}

/** Whether the name of a tag matches, with versions by the reading of its repository. */
export function matchesName(tag: string, { range, globs }: TagFilter, reading: VersionReading): boolean {
  if (globs !== undefined && !matchesAnyGlob(globs, tag)) return false
  if (range === undefined) return true
  const version = parseVersionTag(tag, reading)?.version
  return version !== undefined && isInRange(version, range)
}
