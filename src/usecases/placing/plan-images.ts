import { type DrayError, toErrorInfo } from '../../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../../oci/descriptor.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { toPlannedTag, type TagDecisions } from '../../plan/decide-tags.ts'
import type {
  AttachStep,
  AttestStep,
  CopyStep,
  Hash,
  Placement,
  PlacementEnd,
  PlacementId,
  PlacementOperation,
  Plan,
  Refusal,
  Step,
} from '../../plan/plan.ts'
import { planTagSteps } from '../../plan/tag-steps.ts'
import type { Gathered } from '../../images/graph/unread.ts'

export interface PlacingPolicy {
  /** `--move-tag`: version tags and immutable tags may move to another digest */
  readonly moveTags: boolean
  /** `--partial`: a target that is ready does not wait for the others */
  readonly partial: boolean
  /** hash of the configuration and flags that this policy came from */
  readonly hash: Hash
  /** version of dray */
  readonly tool: string
}

/** The steps of a target that come before its tags. */
export type ContentStep = CopyStep | AttachStep | AttestStep

export interface TargetDecision {
  readonly placement: Placement
  /** undefined: nothing could be decided, and a refusal gives the reason */
  readonly tags: TagDecisions | undefined
  /** in the order of execution */
  readonly content: readonly ContentStep[]
}

export interface ImageDecision {
  readonly targets: readonly TargetDecision[]
  readonly refusals: readonly Refusal[]
}

/**
 * Puts decisions about images together to a plan. An image without a refusal gets its steps at all
 * targets. An image that is refused at single targets gets none, or with `partial` those of the
 * other targets.
 * @param decideImage gets the id of the image in the plan
 */
export function planImages<Request extends { readonly image: string }, Snapshot>(
  gathered: readonly Gathered<Request, Snapshot>[],
  {
    operation,
    policy,
    now,
  }: {
    readonly operation: PlacementOperation
    readonly policy: PlacingPolicy
    readonly now: Date
  },
  decideImage: (snapshot: Snapshot, id: string) => ImageDecision,
): Plan {
  const images = gathered.map((item, i): ImageDecision =>
    item.kind === 'unread'
      ? { targets: [], refusals: [refusal(item.unread.request.image, item.unread.error)] }
      : decideImage(item.snapshot, `i${i + 1}`),
  )
  return {
    schema: 'dray.plan/1',
    operation,
    createdAt: now.toISOString(),
    tool: policy.tool,
    policy: policy.hash,
    placements: images.flatMap(({ targets }) => targets.map(({ placement }) => placement)),
    steps: images.flatMap((image) => stepsOf(image, policy.partial)),
    refusals: images.flatMap(({ refusals }) => refusals),
  }
}

export function formatPlacementId(image: string, target: number): PlacementId {
  return `${image}.t${target + 1}`
}

/** A refusal of an image everywhere, or at one target. */
export function refusal(image: string, error: DrayError, placement?: PlacementId): Refusal {
  return { image, ...(placement !== undefined && { placement }), error: toErrorInfo(error) }
}

export function createPlacementEnd(
  environment: string | undefined,
  repository: RepositoryName,
  tag?: string,
): PlacementEnd {
  return {
    ...(environment !== undefined && { environment }),
    repository,
    ...(tag !== undefined && { tag }),
  }
}

export function createPlacement(
  {
    id,
    image,
    from,
    to,
    root,
  }: Pick<Placement, 'id' | 'image' | 'from' | 'to'> & {
    readonly root: Descriptor
  },
  tags: TagDecisions | undefined,
  evidence: Placement['evidence'] = { found: 0, missing: 0 },
): Placement {
  return {
    id,
    image,
    from,
    to,
    root: bareDescriptor(root),
    tags: tags?.waves.flat().map(toPlannedTag) ?? [],
    ...(tags !== undefined && tags.keptTags.length > 0 && { keptTags: tags.keptTags }),
    evidence,
  }
}

/** Orders the steps of one image: the content of every target first, then the tags. */
function stepsOf({ targets, refusals }: ImageDecision, partial: boolean): readonly Step[] {
  const refused = new Set(refusals.map(({ placement }) => placement))
  if (refused.size > 0 && (!partial || refused.has(undefined))) return []
  const ready = targets.filter(
    (target) => !refused.has(target.placement.id) && (target.content.length > 0 || hasTagToWrite(target)),
  )
  const content = ready.map((target) => (ready.length === 1 ? contentUnderTag(target) : target.content))
  const allContent = content.flat().map(({ id }) => id)
  const tags = ready.flatMap(({ placement, tags: decided }, i) => {
    const own = content[i]?.map(({ id }) => id) ?? []
    return planTagSteps(decided?.waves ?? [], placement, partial ? own : allContent)
  })
  return [...content.flat(), ...tags]
}

export function hasTagToWrite({ tags }: Pick<TargetDecision, 'tags'>): boolean {
  return changedTags(tags) > 0
}

function changedTags(tags: TagDecisions | undefined): number {
  return tags?.waves.flat().filter(({ change }) => change !== 'unchanged').length ?? 0
}

/**
 * An image with one tag and nothing attached is pushed under its tag: one PUT instead of two. A
 * registry may refuse a sparse index, which is therefore pushed before its tag.
 */
function contentUnderTag({ tags, content }: TargetDecision): readonly ContentStep[] {
  const [copy, ...others] = content
  if (copy?.kind !== 'copy' || copy.platforms !== undefined || others.length > 0 || changedTags(tags) !== 1)
    return content
  return [{ ...copy, rootBy: 'tag' }]
}
