import { matchesGlob } from '../../../oci/tag-glob.ts'
import { isInRange, type VersionRange } from '../../../semver/range.ts'
import { parseVersionTag, plainReading } from '../../../semver/version.ts'

/** Which tags are asked for. A field that is absent asks nothing; of several globs one must fit. */
export interface TagFilter {
  /** tags that are whole versions in it */
  readonly range?: VersionRange
  readonly globs?: readonly string[]
  /** milliseconds since 1970: images made then or later, as they say themselves */
  readonly since?: number
}

/** Whether a tag fits by its name alone. */
export function fitsName(tag: string, { range, globs }: TagFilter): boolean {
  if (globs !== undefined && !globs.some((glob) => matchesGlob(glob, tag))) return false
  if (range === undefined) return true
  const version = parseVersionTag(tag, plainReading)?.version
  return version !== undefined && isInRange(version, range)
}
