import type { Config, Environment } from '../../../config/config.ts'
import { environmentAt, findImagesAt } from '../../../config/environments.ts'
import { DrayError } from '../../../lib/errors.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { type HighestPrecondition, type Placement, type Plan, readingOf } from '../../../plan/plan.ts'
import type { TagPolicy } from '../../../semver/tag-policy.ts'
import { parseVersion, plainReading, type VersionReading } from '../../../semver/version.ts'
import { tagPolicyOf } from '../tag-policy.ts'
import type { ReviewFlags } from './review-flags.ts'

/** One image of a saved plan at those targets where the plan changes something. */
export interface PlannedImage {
  readonly placements: readonly [Placement, ...Placement[]]
  readonly environment: string | undefined
  readonly rules: Environment | undefined
  /** all tags that the plan shows at these targets */
  readonly tags: readonly string[]
  /** the tag policy that `dray.yaml` has for the image now */
  readonly policy: TagPolicy
  /** how the plan reads the tags of the image; undefined: it does not show that */
  readonly planned: VersionReading | undefined
}

/** The images of a plan, each with the environment that `dray.yaml` has its targets in. */
export function imagesIn({ placements, steps }: Plan, config: Config): readonly PlannedImage[] {
  const changed = new Set(steps.map(({ placement }) => placement))
  const environmentOf = ({ to }: Placement): string | undefined =>
    environmentAt(config, to.repository, to.environment)
  const images = Map.groupBy(
    placements.filter(({ id }) => changed.has(id)),
    (one) =>
      JSON.stringify([
        one.image,
        one.root.digest,
        formatRepository(one.from.repository),
        environmentOf(one),
        one.platforms ?? [],
      ]),
  )
  return [...images.values()].flatMap(([first, ...more]): readonly PlannedImage[] => {
    if (first === undefined) return []
    const environment = environmentOf(first)
    const owners = findImagesAt(config, first.to.repository)
    const image = owners.find((owner) => owner.environment === environment)?.image
    const ids = new Set([first, ...more].map(({ id }) => id))
    const highest = steps
      .filter(({ placement }) => ids.has(placement))
      .flatMap(({ expect }) => expect.filter((one): one is HighestPrecondition => one.kind === 'highest'))
    return [
      {
        placements: [first, ...more],
        environment,
        rules: environment === undefined ? undefined : config.environments.get(environment),
        tags: [...new Set([first, ...more].flatMap(({ tags }) => tags.map(({ tag }) => tag)))],
        policy: tagPolicyOf({ environment, image }, config, false),
        planned: highest[0] && readingOf(highest[0]),
      },
    ]
  })
}

/**
 * Checks that the plan reads the tags of an environment by its current scheme. Otherwise the tags
 * of the plan follow other versions than those that dray reads now.
 * @throws `refused`.
 */
export function checkSchemes(images: readonly PlannedImage[]): void {
  for (const { environment, policy, planned, placements } of images) {
    if (environment === undefined || planned === undefined || planned.scheme === policy.scheme) continue
    const [{ image, to }] = placements
    const message = `the plan reads the tags of ${image} by the scheme ${planned.scheme}, and ${environment} has the scheme ${policy.scheme}`
    throw new DrayError('refused', message, {
      subject: formatRepository(to.repository),
      hint: `Make a new plan. If the scheme of the plan is right, first set "scheme: ${planned.scheme}" in dray.yaml.`,
    })
  }
}

/**
 * The policy by which the tags of a plan are read. All levels count, so that a tag with the name of
 * a floating tag is reviewed as one. Outside of every environment, flags of `dray tag` decided how
 * tags are read, and dray.yaml has no rule against it.
 */
export function reviewPolicy(
  { rules, tags, policy, planned }: Pick<PlannedImage, 'rules' | 'tags' | 'policy' | 'planned'>,
  flags: ReviewFlags,
): TagPolicy {
  const isBuild = (tag: string): boolean =>
    /_/.test(tag) && parseVersion(tag.replace('_', '+'), plainReading) !== undefined
  return {
    ...policy,
    ...(rules === undefined && {
      majorZero: true,
      ...(planned ?? { buildMetadata: tags.some(isBuild) }),
    }),
    levels: ['exact', 'minor', 'major', 'latest'],
    v: 'keep',
    allowBackward: flags['allow-backward'],
  }
}
