import type { Config, Environment, TagsConfig } from '../../../config/config.ts'
import { environmentAt } from '../../../config/environments.ts'
import { DrayError } from '../../../lib/errors.ts'
import { defaultTag, formatAt, formatRepository } from '../../../oci/reference.ts'
import type { Placement, Plan } from '../../../plan/plan.ts'
import type { PromoteRequest } from '../../../usecases/promote/request.ts'
import type { RollbackRequest } from '../../../usecases/rollback/request.ts'
import { isInLine, isTagOfLine, numberedLine } from '../../../semver/line.ts'
import { compareNumbers } from '../../../semver/number.ts'
import type { TagPolicy } from '../../../semver/tag-policy.ts'
import {
  firstYear,
  parseVersion,
  parseVersionTag,
  plainReading,
  type VersionTag,
  versionTagsIn,
} from '../../../semver/version.ts'
import { presentTags } from '../../../semver/v-prefix.ts'
import type { TagRequest, TagChoice } from '../../../usecases/tag/request.ts'
import type { ReviewFlags } from './review-flags.ts'
import { tagPolicyOf } from '../tag-policy.ts'

/** One image of a saved plan at those targets where the plan changes something. */
export interface PlannedImage {
  readonly placements: readonly [Placement, ...Placement[]]
  readonly environment: string | undefined
  readonly rules: Environment | undefined
  /** all tags that the plan shows at these targets */
  readonly tags: readonly string[]
}

/**
 * Why a plan may not write floating tags of other versions: `1.4` goes to no image of 1.5.
 * Undefined if it writes none, or `--allow-backward` allows it.
 * @param the current versions of the image
 * @param listed all tags of the target; undefined: its tags do not move with versions
 */
export function strayFloatingTag(
  { tags, rules, placements: [{ image, to }] }: PlannedImage,
  versions: readonly VersionTag[],
  listed: readonly string[] | undefined,
  flags: ReviewFlags,
): DrayError | undefined {
  if (rules?.tags?.semver === undefined || listed === undefined || flags['allow-backward']) return undefined
  const policy = reviewPolicy(rules, tags, flags)
  const { floating } = presentTags(listed, versionTagsIn(listed, policy), policy)
  const stray = tags.find(
    (tag) =>
      (floating.includes(tag) || policy.channels.includes(tag)) &&
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

/** The images of a plan, each with the environment that `dray.yaml` has its targets in. */
export function imagesIn({ placements, steps }: Plan, config: Config): readonly PlannedImage[] {
  const changed = new Set(steps.map(({ placement }) => placement))
  const environmentOf = ({ to }: Placement): string | undefined =>
    environmentAt(config, to.repository, to.environment)
  const images = Map.groupBy(
    placements.filter(({ id }) => changed.has(id)),
    (one) =>
      JSON.stringify([one.image, one.root.digest, formatRepository(one.from.repository), environmentOf(one)]),
  )
  return [...images.values()].flatMap(([first, ...more]): readonly PlannedImage[] => {
    if (first === undefined) return []
    const environment = environmentOf(first)
    return [
      {
        placements: [first, ...more],
        environment,
        rules: environment === undefined ? undefined : config.environments.get(environment),
        tags: [...new Set([first, ...more].flatMap(({ tags }) => tags.map(({ tag }) => tag)))],
      },
    ]
  })
}

/**
 * The request whose decision a promotion of the plan is compared with: the rules of the destination
 * as `dray.yaml` has them now. A copy obeys the rules of a promotion too, unless `--allow-copy`.
 */
export function promoteRequest(
  { placements, environment, rules, tags }: PlannedImage,
  isCopy: boolean,
  flags: ReviewFlags,
): PromoteRequest {
  const [{ image, from, root }] = placements
  const keepsUp = !isCopy && rules?.tags?.semver !== undefined
  const policy = reviewPolicy(rules, tags, flags)
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
    },
    to: {
      ...(environment !== undefined && { environment }),
      ...(!isCopy && rules?.promoteFrom !== undefined && { accepts: rules.promoteFrom }),
      targets: placements.map(({ to }) => to.repository),
      ...((flags.attest ?? (!isCopy && rules?.attest === true)) && { attest: true }),
      ...(rules?.tags?.immutable !== undefined && { immutable: rules.tags.immutable }),
      ...(rules?.tags?.buildMetadata !== undefined && { buildMetadata: rules.tags.buildMetadata }),
    },
    tags: isUnknown
      ? floatingFirst(tags, policy)
      : keepsUp
        ? [...versions.map(({ tag }) => tag), ...plain]
        : tags,
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
  const policy = reviewPolicy(rules, tags, flags)
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
export function rollbackRequest(
  { placements, environment, rules }: PlannedImage,
  flags: ReviewFlags,
): RollbackRequest {
  const [first, ...more] = placements
  const policy = tagPolicyOf(rules?.tags, true)
  const release = parseVersionTag(first.from.tag ?? '', policy)
  if (release === undefined) {
    throw new DrayError('refused', `the plan has no release for the rollback of ${first.image}`, {
      why: 'the source of its image is not a version tag',
      hint: 'Make a new plan.',
    })
  }
  return {
    image: first.image,
    ...(environment !== undefined && { environment }),
    targets: [first.to.repository, ...more.map(({ to }) => to.repository)],
    to: release.version,
    currentTag: rules?.currentTag ?? defaultTag,
    policy,
    immutable: rules?.tags?.immutable ?? [],
    partial: flags.partial,
  }
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

/**
 * The policy by which the tags of a plan are read. All levels count, so that a tag with the name of
 * a floating tag is reviewed as one. Outside of every environment, flags of `dray tag` decided how
 * tags are read, and dray.yaml has no rule against it.
 */
function reviewPolicy(
  rules: Environment | undefined,
  tags: readonly string[],
  flags: ReviewFlags,
): TagPolicy {
  const configured: TagsConfig | undefined = rules === undefined ? { majorZero: true } : rules.tags
  const policy = tagPolicyOf(configured, flags['allow-backward'])
  const isBuild = (tag: string): boolean =>
    /_/.test(tag) && parseVersion(tag.replace('_', '+'), plainReading) !== undefined
  return {
    ...policy,
    levels: ['exact', 'minor', 'major', 'latest'],
    v: 'keep',
    buildMetadata: policy.buildMetadata || (rules === undefined && tags.some(isBuild)),
  }
}

/** Whether a tag is the version tag of a version, or has the name of one of its floating tags. */
function isTagOf(tag: string, { tag: exact, version }: VersionTag, { channels }: TagPolicy): boolean {
  const { major, minor } = version
  const lines = [
    { major, minor },
    { major },
    {},
    ...channels.map((channel) => ({ channel })).filter((line) => isInLine(version, line)),
  ]
  return tag === exact || lines.some((line) => isTagOfLine(tag, line))
}

/** Whether a tag has the name of a floating tag. Numbers from 1970 on are dates. */
function mayFloat(tag: string, policy: TagPolicy): boolean {
  const { major = firstYear } = numberedLine(tag, policy) ?? {}
  return tag === 'latest' || policy.channels.includes(tag) || compareNumbers(major, firstYear) < 0
}

/**
 * Floating tags first: dray finds out the version of an image only if its first tag moves with
 * versions.
 */
function floatingFirst(tags: readonly string[], policy: TagPolicy): readonly string[] {
  const rank = (tag: string): number =>
    tag === 'latest' || policy.channels.includes(tag) ? 0 : numberedLine(tag, policy) === undefined ? 2 : 1
  return tags.toSorted((a, b) => rank(a) - rank(b))
}
