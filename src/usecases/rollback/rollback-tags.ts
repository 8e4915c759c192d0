import { presentTags } from '../../semver/v-prefix.ts'
import { floatingLine, isTagOfLine } from '../../semver/line.ts'
import { isStable, type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { type FloatingTag, versionTags, type VersionTags } from '../../semver/version-tags.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { RollbackRequest } from './request.ts'

/**
 * Returns the tags of a release in one repository. Its floating tags move forward or backward, in
 * every spelling that exists. A rollback creates no tag.
 * @param exact the version tag of the release in this repository
 */
export function decideRollbackTags(
  release: VersionTag,
  exact: string,
  listed: readonly string[],
  { policy, currentTag }: Pick<RollbackRequest, 'policy' | 'currentTag'>,
): VersionTags {
  const tags = versionTags(release, listed, { ...policy, allowBackward: true })
  const existing = new Set(listed)
  const { floating } = presentTags(listed, versionTagsIn(listed, policy), policy)
  const moved = tags.floating.flatMap((tag) => {
    const spellings = [
      tag.tag,
      ...floating.filter((other) => other !== tag.tag && isTagOfLine(other, tag.line)),
    ]
    const present = spellings.filter((name) => existing.has(name))
    if (present.length === 0) return [{ ...tag, moves: false, reason: 'the tag does not exist' }]
    return present.map((name) => ({ ...tag, tag: name }))
  })
  return {
    ...tags,
    exact,
    same: [],
    floating: [
      ...moved,
      ...(isOutsideVersions(currentTag, policy) ? moveCurrentTag(release, listed, currentTag) : []),
    ],
  }
}

/** Whether a current-version tag such as `live` follows no version by its name. */
function isOutsideVersions(currentTag: string, policy: TagPolicy): boolean {
  return !/^v?\d/.test(currentTag) && floatingLine(currentTag, policy, policy.channels) === undefined
}

/**
 * Returns the current-version tag if it exists: it goes back with the floating tags. It does not
 * show the version of a variant.
 */
function moveCurrentTag(
  release: VersionTag,
  listed: readonly string[],
  currentTag: string,
): readonly FloatingTag[] {
  const { version } = release
  if (!listed.includes(currentTag) || !isStable(version) || version.variant !== '') return []
  return [{ tag: currentTag, line: {}, moves: true, reason: 'current-version tag', backward: true }]
}
