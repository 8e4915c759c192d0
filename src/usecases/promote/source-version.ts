import { DrayError } from '../../lib/errors.ts'
import { floatingLine, floatingLineIn } from '../../semver/line.ts'
import { parseVersionTag, versionKeyWithBuild, type VersionTag, versionTagsIn } from '../../semver/version.ts'
import type { RequestedTags } from '../placing/requested-tags.ts'
import type { PromoteRequest } from './request.ts'

/** How a user names the version of an image that dray cannot derive. */
export const nameVersionHint = 'Name the image by its version (api:1.4.2), or set its tags with --tag.'

/** Whether only the tags on the image show its version: a digest or a floating tag names it. */
export function isVersionDerived(
  { from: { reading }, tags, tagMaintenance }: PromoteRequest,
  listed: readonly string[],
): boolean {
  if (tagMaintenance?.mayDerive !== true) return false
  const { policy } = tagMaintenance
  if (versionTagsIn(tags, policy).length > 0) return false
  const [tag] = tags
  if (tag === undefined) return true
  // often only the destination has settings: there too, `alpine` moves only by the rules
  return [reading, policy].some(
    (one) => floatingLineIn(tag, versionTagsIn(listed, one), one, policy.channels) !== undefined,
  )
}

/**
 * Returns the version tags of the source that may be on the image: of a floating tag those of its
 * variant. The destination reads a source without any version.
 */
export function listSourceVersions(
  { from: { reading }, tags: [tag], tagMaintenance }: PromoteRequest,
  listed: readonly string[],
): readonly VersionTag[] {
  const policy = tagMaintenance?.policy ?? reading
  const own = versionTagsIn(listed, reading)
  const versions = own.length > 0 ? own : versionTagsIn(listed, policy)
  if (tag === undefined) return versions
  const channels = tagMaintenance?.policy.channels ?? []
  return versions.filter((one) =>
    [reading, policy].every((by) => {
      const { variant = '' } = floatingLine(tag, by, channels) ?? {}
      return (parseVersionTag(one.tag, by)?.version.variant ?? variant) === variant
    }),
  )
}

/**
 * Returns the versions of an image at the destination: its tags, read as the destination reads its
 * own.
 * @param derived the version tags on the image, if its version is derived from them
 */
export function destinationVersions(
  { tags, tagMaintenance }: PromoteRequest,
  derived: readonly VersionTag[] | undefined,
): readonly VersionTag[] {
  if (tagMaintenance === undefined) return []
  const names = derived === undefined ? tags : derived.map(({ tag }) => tag)
  return names.flatMap((tag) => parseVersionTag(tag, tagMaintenance.policy) ?? [])
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
    // the user named the source, and chose no tag for the destination
    isForwardOnly: tagMaintenance?.isForwardOnly === true || derived !== undefined,
  }
}

/** Returns the version whose floating tags move; undefined if the tags are written as named. */
function sourceVersion(
  request: PromoteRequest,
  derived: readonly VersionTag[] | undefined,
): VersionTag | DrayError | undefined {
  const { image, tagMaintenance } = request
  if (tagMaintenance === undefined) return undefined
  const found = destinationVersions(request, derived)
  // two spellings of one version are one
  const distinct = new Set(found.map(({ version }) => versionKeyWithBuild(version)))
  const [first] = found
  if (distinct.size < 2 && (first !== undefined || derived === undefined)) return first
  return new DrayError('refused', `the version of ${image} is unknown`, {
    why:
      first === undefined ? whyNone(request, derived ?? []) : `it has several version tags: ${list(found)}`,
    hint: first !== undefined && derived === undefined ? oneVersionHint : nameVersionHint,
  })
}

const oneVersionHint = 'Pass one version with --tag. Run the command again for each other version.'

/** @param derived the version tags of the source, none of which the destination reads */
function whyNone({ from, to, tagMaintenance }: PromoteRequest, derived: readonly VersionTag[]): string {
  if (tagMaintenance === undefined) return 'it has no version tag'
  if (derived.length === 0) {
    const { scheme } = from.reading
    return scheme === tagMaintenance.policy.scheme
      ? 'it has no version tag'
      : `it has no version tag in the scheme ${scheme} of ${from.environment ?? 'the source'}`
  }
  const { environment = 'the destination' } = to
  return `it has the version tag ${list(derived)}, which the scheme ${tagMaintenance.policy.scheme} of ${environment} does not read as a version`
}

function list(versions: readonly VersionTag[]): string {
  return versions.map(({ tag }) => tag).join(', ')
}
