import { type DrayError, isDrayError } from '../../lib/errors.ts'
import type { ImageTags } from '../../plan/decide-tags.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import { type Version, type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { versionTags } from '../../semver/version-tags.ts'

/** The tags that a request asks for, in whichever repository. */
export interface RequestedTags {
  readonly plain: readonly string[]
  /** the version whose tags the image gets, or why it must have one and has none */
  readonly version: VersionTag | DrayError | undefined
  /** undefined: only plain tags are written */
  readonly policy: TagPolicy | undefined
  /** a floating tag of the version moves by the rules even if `plain` names it */
  readonly isForwardOnly?: boolean
}

/**
 * Returns the tags of an image in one repository: the plain ones, and those of its version.
 * @param listed all tags of the repository
 * @param beside versions that other images of the same run bring to it
 */
export function selectTagsAt(
  { plain, version, policy, isForwardOnly }: RequestedTags,
  listed: readonly string[],
  beside: readonly Version[] = [],
): ImageTags {
  if (isDrayError(version)) return { plain: [], version: undefined }
  if (version === undefined || policy === undefined) return { plain, version: undefined }
  const ofVersion = versionTags(version, listed, policy, beside)
  const byRule = isForwardOnly === true ? ofVersion.floating.map(({ tag }) => tag) : []
  const replaced = new Set([...versionTagsIn(plain, policy).map(({ tag }) => tag), ...byRule])
  return { plain: plain.filter((tag) => !replaced.has(tag)), version: ofVersion }
}
