import { DrayError } from '../../../lib/errors.ts'
import { parsePlatformName } from '../../../oci/platform.ts'
import { defaultTag, formatAt, type RepositoryName } from '../../../oci/reference.ts'
import type { PromoteRequest } from '../../../usecases/promote/request.ts'
import type { RollbackRequest } from '../../../usecases/rollback/request.ts'
import { floatingLine, floatingLineIn, isInLine, isTagOfLine } from '../../../semver/line.ts'
import { compareNumbers } from '../../../semver/number.ts'
import type { TagPolicy } from '../../../semver/tag-policy.ts'
import {
  firstYear,
  lastYear,
  parseVersionTag,
  type VersionReading,
  type VersionTag,
  versionTagsIn,
} from '../../../semver/version.ts'
import type { TagRequest, TagChoice } from '../../../usecases/tag/request.ts'
import { type PlannedImage, reviewPolicy } from './planned-image.ts'
import type { ReviewFlags } from './review-flags.ts'

/**
 * Why a plan may not write floating tags of other versions: `1.4` goes to no image of 1.5.
 * Undefined if it writes none, or `--allow-backward` allows it.
 * @param the current versions of the image
 * @param listed all tags of the target; undefined: its tags do not move with versions
 */
export function strayFloatingTag(
  planned: PlannedImage,
  versions: readonly VersionTag[],
  listed: readonly string[] | undefined,
  flags: ReviewFlags,
): DrayError | undefined {
  const {
    tags,
    rules,
    placements: [{ image, to }],
  } = planned
  if (rules?.tags?.semver === undefined || listed === undefined || flags['allow-backward']) return undefined
  const policy = reviewPolicy(planned, flags)
  const present = versionTagsIn(listed, policy)
  const stray = tags.find(
    (tag) =>
      tag !== 'latest' &&
      floatingLineIn(tag, present, policy, policy.channels) !== undefined &&
      versions.length > 0 &&
      !versions.some((one) => isTagOf(tag, one, policy)),
  )
  if (stray === undefined) return undefined
  return new DrayError('refused', `the plan writes the tag ${stray} of ${image} against the tag policy`, {
    subject: formatAt(to.repository, { tag: stray }),
    why: `${stray} does not follow the version ${versions.map(({ tag }) => tag).join(', ')}`,
    hint: 'Make a new plan. To write the tag anyway, pass --allow-backward.',
  })
}

/**
 * The request whose decision a promotion of the plan is compared with: the rules of the destination
 * as `dray.yaml` has them now. A copy obeys the rules of a promotion too, unless `--allow-copy`.
 */
export function promoteRequest(
  planned: PlannedImage,
  isCopy: boolean,
  flags: ReviewFlags,
  sourceReading: (repository: RepositoryName, environment: string | undefined) => VersionReading,
): PromoteRequest {
  const { placements, environment, rules, tags } = planned
  const [{ image, from, root, platforms }] = placements
  const keepsUp = !isCopy && rules?.tags?.semver !== undefined
  const policy = reviewPolicy(planned, flags)
  const versions = versionTagsIn(tags, policy)
  const plain = tags.filter((tag) => !versions.some((one) => isTagOf(tag, one, policy)))
  // Without its version, a floating tag moves only if the source shows its version.
  const isUnknown = keepsUp && versions.length === 0 && !flags['allow-backward']
  return {
    image,
    from: {
      ...(from.environment !== undefined && { environment: from.environment }),
      repository: from.repository,
      at: { digest: root.digest },
      reading: sourceReading(from.repository, from.environment),
    },
    to: {
      ...(environment !== undefined && { environment }),
      ...(!isCopy && rules?.promoteFrom !== undefined && { accepts: rules.promoteFrom }),
      targets: placements.map(({ to }) => to.repository),
      ...((flags.attest ?? (!isCopy && rules?.attest === true)) && { attest: true }),
      ...(rules?.tags?.immutable !== undefined && { immutable: rules.tags.immutable }),
      reading: policy,
    },
    tags: isUnknown
      ? floatingFirst(tags, policy)
      : keepsUp
        ? [...versions.map(({ tag }) => tag), ...plain]
        : tags,
    ...(platforms !== undefined && { platforms: platforms.map(parsePlatformName) }),
    ...(keepsUp &&
      (isUnknown || versions.length > 0) && {
        tagMaintenance: { policy, mayDerive: true, isForwardOnly: true },
      }),
  }
}

/** The requests whose decisions a `dray tag` of the plan is compared with. @throws `refused`. */
export function tagRequests(planned: PlannedImage, flags: ReviewFlags): readonly TagRequest[] {
  const { placements, environment, rules, tags } = planned
  const [first, ...more] = placements
  const policy = reviewPolicy(planned, flags)
  const versions = versionsOf(planned, policy, flags)
  const plain = tags.filter((tag) => !versions.some((one) => isTagOf(tag, one, policy)))
  const choices: readonly TagChoice[] = [
    ...versions.map((given): TagChoice => ({ kind: 'version', given })),
    ...(plain.length > 0 ? [{ kind: 'plain', tags: plain } as const] : []),
  ]
  return choices.map((choice) => ({
    image: first.image,
    ...(environment !== undefined && { environment }),
    targets: [first.to.repository, ...more.map(({ to }) => to.repository)],
    at: { digest: first.root.digest },
    choice,
    policy,
    immutable: rules?.tags?.immutable ?? [],
  }))
}

/** The request whose decision a rollback of the plan is compared with. @throws `refused`. */
export function rollbackRequest(planned: PlannedImage, flags: ReviewFlags): RollbackRequest {
  const { placements, environment, rules } = planned
  const [first, ...more] = placements
  const policy = { ...planned.policy, variants: variantsOf(planned), allowBackward: true }
  const release = parseVersionTag(first.from.tag ?? '', policy)
  if (release === undefined) {
    throw new DrayError('refused', `the plan has no release for the rollback of ${first.image}`, {
      why: 'the source of its image is not a version tag',
      hint: 'Make a new plan.',
    })
  }
  const { variant } = release.version
  return {
    image: first.image,
    ...(environment !== undefined && { environment }),
    targets: [first.to.repository, ...more.map(({ to }) => to.repository)],
    to: release.version,
    variant,
    currentTag: variant === '' ? (rules?.currentTag ?? defaultTag) : variant,
    policy,
    immutable: rules?.tags?.immutable ?? [],
    partial: flags.partial,
  }
}

/**
 * The variants of a rollback. Outside of every environment, `--variant` declared the one that all
 * tags of the plan end with.
 */
function variantsOf({ rules, tags, policy, placements: [{ from }] }: PlannedImage): readonly string[] {
  if (rules !== undefined) return policy.variants
  const [, ...suffixes] = (from.tag ?? '').split('-')
  const candidates = suffixes.map((_, i) => suffixes.slice(i).join('-'))
  const variant = candidates.find((suffix) =>
    tags.every((tag) => tag === suffix || tag.endsWith(`-${suffix}`)),
  )
  return variant === undefined ? policy.variants : [variant]
}

/**
 * The versions whose tags a `dray tag` writes: those among the tags of the plan. If there are none
 * and a floating tag is written, it is the version that the image was named by.
 * @throws `refused` if an environment maintains floating tags and nothing shows which version this
 * is.
 */
function versionsOf(
  { placements, rules, tags }: PlannedImage,
  policy: TagPolicy,
  flags: ReviewFlags,
): readonly VersionTag[] {
  const found = versionTagsIn(tags, policy)
  const isForward = rules?.tags?.semver !== undefined && !flags['allow-backward']
  const floating = tags.find((tag) => mayFloat(tag, policy))
  if (found.length > 0 || floating === undefined || !isForward) return found
  const [{ from, image }] = placements
  const named = parseVersionTag(from.tag ?? '', policy)
  if (named !== undefined) return [named]
  // The gathering decides whether the image is a Helm chart, whose tags have `_` for `+`.
  const ofChart = versionTagsIn(tags, { ...policy, buildMetadata: true })
  if (ofChart.length > 0) return ofChart
  throw new DrayError('refused', `the version of ${image} is unknown`, {
    subject: formatAt(from.repository, { tag: floating }),
    why: `${floating} follows the versions there, and the plan does not contain the version of this image`,
    hint: 'Make a new plan that names the image by its version. To move the tag anyway, pass --allow-backward.',
  })
}

/** Whether a tag is the version tag of a version, or has the name of one of its floating tags. */
function isTagOf(tag: string, { tag: exact, version }: VersionTag, { channels }: TagPolicy): boolean {
  const { major, minor, variant } = version
  const lines = [
    { major, minor, variant },
    { major, variant },
    { variant },
    ...channels.map((channel) => ({ channel, variant })).filter((line) => isInLine(version, line)),
  ]
  return tag === exact || lines.some((line) => isTagOfLine(tag, line))
}

/** Whether a tag has the name of a floating tag. In `semver`, numbers from 1970 on are dates. */
function mayFloat(tag: string, policy: TagPolicy): boolean {
  const line = floatingLine(tag, policy, policy.channels)
  const limit = policy.scheme === 'semver' ? firstYear - 1 : lastYear
  return line !== undefined && (line.major === undefined || compareNumbers(line.major, limit) <= 0)
}

/**
 * Floating tags first: dray finds out the version of an image only if its first tag moves with
 * versions.
 */
function floatingFirst(tags: readonly string[], policy: TagPolicy): readonly string[] {
  const rank = (tag: string): number => {
    const line = floatingLine(tag, policy, policy.channels)
    return line === undefined ? 2 : line.major === undefined ? 0 : 1
  }
  return tags.toSorted((a, b) => rank(a) - rank(b))
}
