import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { parsePlatformName } from '../../oci/platform.ts'
import { formatAt, type RepositoryName } from '../../oci/reference.ts'
import type { PlacementEnd, PlacementId, Plan } from '../../plan/plan.ts'
import type { VersionReading } from '../../semver/version.ts'
import { createPlacementEnd } from '../placing/plan-images.ts'
import type { PromoteRequest } from './request.ts'

/**
 * Returns requests to read back the placements of a plan, by the digests of the plan: the source's
 * tag may have moved since. Promotion order was checked with the plan.
 * @param readingOf how the tags of a repository in an environment are read
 */
export function requestsToVerify(
  plan: Plan,
  placed: ReadonlySet<PlacementId>,
  readingOf: (end: PlacementEnd) => VersionReading,
): readonly PromoteRequest[] {
  const images = Map.groupBy(
    plan.placements.filter(({ id }) => placed.has(id)),
    ({ image }) => image,
  )
  return [...images.values()].flatMap((placements): PromoteRequest[] => {
    const [first] = placements
    if (first === undefined) return []
    const { image, from, to, root, tags, platforms } = first
    return [
      {
        image,
        from: {
          ...createPlacementEnd(from.environment, from.repository),
          at: { digest: root.digest },
          reading: readingOf(from),
        },
        to: {
          ...(to.environment !== undefined && { environment: to.environment }),
          targets: placements.map((placement) => placement.to.repository),
          reading: readingOf(to),
        },
        tags: tags.map(({ tag }) => tag),
        ...(platforms !== undefined && { platforms: platforms.map(parsePlatformName) }),
      },
    ]
  })
}

/** A tag that was moved to another image after a run wrote it. */
export interface TagMovedAway {
  /** as in the plan */
  readonly image: string
  readonly repository: RepositoryName
  readonly tag: string
  /** what the run wrote */
  readonly wanted: Digest
  /** what the tag points at now */
  readonly digest: Digest
}

/** Returns the tags that others moved, and that a repair would move back. */
export function movedByOthers({ placements }: Plan): readonly TagMovedAway[] {
  return placements.flatMap(({ image, to, root, tags }) =>
    tags.flatMap(({ tag, before, change }) =>
      change !== 'move' || before === null
        ? []
        : [{ image, repository: to.repository, tag, wanted: root.digest, digest: before }],
    ),
  )
}

/** Returns the plan without these tags of its images: they are not read back. */
export function withoutTags(plan: Plan, moved: readonly TagMovedAway[]): Plan {
  const omitted = new Set(moved.map(({ image, tag }) => `${image} ${tag}`))
  return {
    ...plan,
    placements: plan.placements.map((placement) => ({
      ...placement,
      tags: placement.tags.filter(({ tag }) => !omitted.has(`${placement.image} ${tag}`)),
    })),
  }
}

/** @param mover the sentence about the run that moved the tag */
export function movedAfterwards({ repository, tag, wanted, digest }: TagMovedAway, mover: string): DrayError {
  const reference = formatAt(repository, { tag })
  return new DrayError('conflict', `${reference} was moved after this run wrote it`, {
    subject: reference,
    why: `the run wrote ${wanted}, now it points to ${digest}. ${mover}`,
    hint: 'Nothing was overwritten. Find out who moved the tag.',
  })
}
