import { DrayError, isDrayError } from '../../lib/errors.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import type { NamedTags } from '../../plan/decide-tags.ts'
import { formatVersion, type Version, type VersionTag, versionTagsIn } from '../../semver/version.ts'
import { presentTags } from '../../semver/v-prefix.ts'
import { versionTags } from '../../semver/version-tags.ts'
import type { Request } from './snapshot.ts'

/** Whether the version of an image can be told only by looking for the version tags on it: it was named by a tag that moves, or by its digest alone. */
export function isToBeDerived({ tags, keepUp }: Request, listed: readonly string[]): boolean {
  if (keepUp?.mayDerive !== true) return false
  const { policy } = keepUp
  if (versionTagsIn(tags, policy).length > 0) return false
  const [tag] = tags
  if (tag === undefined || tag === 'latest' || policy.channels.includes(tag)) return true
  return presentTags(listed, versionTagsIn(listed, policy)).floating.includes(tag)
}

/**
 * The one version of an image whose tags are kept up; undefined where it has none, so that its tags are written as they are; why it is refused where it
 * has several, or none where there has to be one.
 * @param derived the version tags on it, where they were looked for
 */
export function versionToKeepUp(
  { image, tags, keepUp }: Request,
  derived: readonly VersionTag[] | undefined,
): VersionTag | DrayError | undefined {
  if (keepUp === undefined) return undefined
  const found = derived ?? versionTagsIn(tags, keepUp.policy)
  const [first, ...others] = distinctVersions(found)
  if (others.length === 0 && (first !== undefined || derived === undefined)) return first
  const versions = found.map(({ tag }) => tag).join(', ')
  return new DrayError('refused', `the version of ${image} cannot be told`, {
    why: first === undefined ? 'no version tag is on it' : `it has several version tags: ${versions}`,
    hint: toTellIt,
  })
}

/**
 * Why an image that was named by a tag alone does not get that tag at a target: there it is a floating tag, and nothing says which version this is. Else it
 * would move by its name, and back as well as forward.
 */
export function namedByFloating(
  { image, tags, keepUp }: Request,
  given: VersionTag | DrayError | undefined,
  repository: RepositoryName,
  listed: readonly string[],
): DrayError | undefined {
  if (given !== undefined || keepUp?.mayDerive !== true) return undefined
  const { floating } = presentTags(listed, versionTagsIn(listed, keepUp.policy))
  const tag = tags.find((one) => floating.includes(one))
  if (tag === undefined) return undefined
  return new DrayError('refused', `the version of ${image} cannot be told`, {
    why: `${formatAt(repository, { tag })} moves with the versions there, and no version of ${tag} is where the image comes from`,
    hint: toTellIt,
  })
}

const toTellIt = 'Name the version itself (api:1.4.2), or say which tags it gets with --tag.'

/** Two spellings of one version are one. */
function distinctVersions(tags: readonly VersionTag[]): readonly VersionTag[] {
  const byText = Map.groupBy(tags, ({ version }) => formatVersion(version))
  return [...byText.values()].flatMap(([first]) => first ?? [])
}

/**
 * The tags of an image at a target: as they are named, or those that follow from its version.
 * @param listed all tags of the target, where they are kept up
 * @param beside versions that other images of the run bring to the same repository
 */
export function wantedAt(
  request: Request,
  given: VersionTag | DrayError | undefined,
  listed: readonly string[],
  beside: readonly Version[] = [],
): NamedTags {
  const { tags, keepUp } = request
  if (given === undefined || keepUp === undefined) return { plain: tags, version: undefined }
  if (isDrayError(given)) return { plain: [], version: undefined }
  const { policy } = keepUp
  const versions = new Set(versionTagsIn(tags, policy).map(({ tag }) => tag))
  const version = versionTags(given, listed, policy, beside)
  const byRule = new Set(keepUp.isForwardOnly === true ? version.floating.map(({ tag }) => tag) : [])
  return { plain: tags.filter((tag) => !versions.has(tag) && !byRule.has(tag)), version }
}
