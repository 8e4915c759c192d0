import { DrayError } from '../../lib/errors.ts'
import { formatVersion, type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { presentTags } from '../../semver/v-prefix.ts'
import type { RequestedTags } from '../placing/requested-tags.ts'
import type { PromoteRequest } from './request.ts'

/** How a user names the version of an image that dray cannot derive. */
export const nameVersionHint = 'Name the image by its version (api:1.4.2), or set its tags with --tag.'

/** Whether only the tags on the image show its version: a digest or a floating tag names it. */
export function isVersionDerived(
  { tags, tagMaintenance }: PromoteRequest,
  listed: readonly string[],
): boolean {
  if (tagMaintenance?.mayDerive !== true) return false
  const { policy } = tagMaintenance
  if (versionTagsIn(tags, policy).length > 0) return false
  const [tag] = tags
  if (tag === undefined || tag === 'latest' || policy.channels.includes(tag)) return true
  return presentTags(listed, versionTagsIn(listed, policy), policy).floating.includes(tag)
}

/** @param derived the version tags on the image, if its version is derived from them */
export function requestedTags(
  request: PromoteRequest,
  derived: readonly VersionTag[] | undefined,
): RequestedTags {
  const { tags, tagMaintenance } = request
  return {
    plain: tags,
    version: sourceVersion(request, derived),
    policy: tagMaintenance?.policy,
    isForwardOnly: tagMaintenance?.isForwardOnly === true,
  }
}

/** Returns the version whose floating tags move; undefined if the tags are written as named. */
function sourceVersion(
  { image, tags, tagMaintenance }: PromoteRequest,
  derived: readonly VersionTag[] | undefined,
): VersionTag | DrayError | undefined {
  if (tagMaintenance === undefined) return undefined
  const found = derived ?? versionTagsIn(tags, tagMaintenance.policy)
  // two spellings of one version are one
  const distinct = new Set(found.map(({ version }) => formatVersion(version)))
  const [first] = found
  if (distinct.size < 2 && (first !== undefined || derived === undefined)) return first
  const versions = found.map(({ tag }) => tag).join(', ')
  return new DrayError('refused', `the version of ${image} is unknown`, {
    why: first === undefined ? 'it has no version tag' : `it has several version tags: ${versions}`,
    hint: nameVersionHint,
  })
}
