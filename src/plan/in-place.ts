import { type DrayError, toErrorInfo } from '../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../oci/descriptor.ts'
import type { RepositoryName } from '../oci/reference.ts'
import { asPlannedTag, type TagsDecided } from './decide-tags.ts'
import type { Placement, PlacementId, Plan, Refusal } from './plan.ts'
import { tagSteps } from './tag-steps.ts'

/** An image that stays where it is, in one or several targets, and whose tags move. */
export interface ImageInPlace {
  /** as the person named it */
  readonly image: string
  readonly environment?: string
  /** what it was found by */
  readonly tag?: string
  readonly root: Descriptor
  /** what speaks against it wherever it is */
  readonly errors: readonly DrayError[]
  readonly targets: readonly TargetInPlace[]
}

export interface TargetInPlace {
  readonly repository: RepositoryName
  /** undefined where nothing could be decided: `errors` say why */
  readonly decided: TagsDecided | undefined
  readonly errors: readonly DrayError[]
}

/** An image that nothing could be decided of. */
export interface ImageRefused {
  readonly image: string
  readonly error: DrayError
}

/** The plan of an operation that moves nothing but tags. An image gets its tags in all targets, or in none; with `partial` in those that are ready. */
export function planInPlace(
  images: readonly (ImageInPlace | ImageRefused)[],
  header: Pick<Plan, 'operation' | 'policy' | 'tool'> & { readonly now: Date; readonly partial: boolean },
): Plan {
  const planned = images.map((image, i) =>
    'error' in image
      ? { placements: [], steps: [], refusals: [{ image: image.image, error: toErrorInfo(image.error) }] }
      : planImage(image, `i${i + 1}`, header.partial),
  )
  const { operation, policy, tool, now } = header
  return {
    schema: 'dray.plan/1',
    operation,
    createdAt: now.toISOString(),
    tool,
    policy,
    placements: planned.flatMap(({ placements }) => placements),
    steps: planned.flatMap(({ steps }) => steps),
    refusals: planned.flatMap(({ refusals }) => refusals),
  }
}

function planImage(
  image: ImageInPlace,
  id: string,
  partial: boolean,
): Pick<Plan, 'placements' | 'steps' | 'refusals'> {
  const targets = image.targets.map((target, i) => ({
    ...target,
    placement: placementOf(image, target, `${id}.t${i + 1}`),
  }))
  const refusals: readonly Refusal[] = [
    ...image.errors.map((error) => ({ image: image.image, error: toErrorInfo(error) })),
    ...targets.flatMap(({ placement, errors }) =>
      errors.map((error) => ({ image: image.image, placement: placement.id, error: toErrorInfo(error) })),
    ),
  ]
  const ready = targets.filter(({ errors }) => errors.length === 0)
  const mayGo = refusals.length === 0 || (partial && image.errors.length === 0)
  const steps = (mayGo ? ready : []).flatMap(({ placement, repository, decided }) =>
    tagSteps(decided?.waves ?? [], { placement, repository, from: repository, after: [] }),
  )
  return {
    placements: targets.map(({ placement }) => placement),
    steps,
    refusals,
  }
}

function placementOf(
  { image, environment, tag, root }: ImageInPlace,
  { repository, decided }: TargetInPlace,
  id: PlacementId,
): Placement {
  const place = { ...(environment !== undefined && { environment }), repository }
  return {
    id,
    image,
    from: { ...place, ...(tag !== undefined && { tag }) },
    to: place,
    root: bareDescriptor(root),
    tags: decided?.waves.flat().map(asPlannedTag) ?? [],
    ...(decided !== undefined && decided.held.length > 0 && { held: decided.held }),
    evidence: { found: 0, missing: 0 },
  }
}
