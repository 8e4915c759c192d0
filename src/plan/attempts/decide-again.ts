import type { Digest } from '../../oci/digest.ts'
import { formatAt } from '../../oci/reference.ts'
import type { StepOutcome } from '../outcome.ts'
import { isOfTag, type HighestPrecondition, type Plan, type Step, type TagOverride } from '../plan.ts'
import type { TagMover } from './tag-mover.ts'
import { type WrittenTag, writtenTag } from './written-tag.ts'

/** A plan that was executed, with the outcomes of its steps. */
export interface PlanAttempt {
  readonly plan: Plan
  readonly steps: readonly StepOutcome[]
}

/** A tag that others moved while a run was under way, and that the run would write. */
export interface MovedUnderway extends Omit<WrittenTag, 'digest'> {
  /** as in the plan */
  readonly image: string
  /** what this run saw last, or wrote; null: there was no such tag */
  readonly from: Digest | null
  /** what the tag points at now; null: it is gone */
  readonly to: Digest | null
  /** with a floating tag that follows the highest version */
  readonly rule?: HighestPrecondition
  readonly override?: TagOverride
}

/**
 * Where a floating tag moved by the version rules: to a higher version, to a lower one, or
 * `unknown` if its digests have no version.
 */
export type MoveDirection = 'forward' | 'backward' | 'unknown'

/**
 * Whether a run may move a tag that others moved since it read it: pure. It may if a run of the
 * same audit log moved the tag, as if it had begun after that run. It may not undo a rollback. A
 * move of unknown origin may be followed only if the version rules order it: a floating tag that
 * went forward. An override applies only to the state that the plan shows.
 * @param movedBy null: the audit log has no record of the move; undefined: the log was not read
 */
export function mayMoveAgain(
  { rule, override }: Pick<MovedUnderway, 'rule' | 'override'>,
  movedBy: TagMover | null | undefined,
  direction: MoveDirection,
): boolean {
  if (override !== undefined) return false
  if (movedBy !== null && movedBy !== undefined) return movedBy.operation !== 'rollback'
  return rule !== undefined && direction === 'forward'
}

/** Returns why a run may not move a tag for which `mayMoveAgain` returned false. */
export function explainForbidden(
  { rule, override }: Pick<MovedUnderway, 'rule' | 'override'>,
  movedBy: TagMover | null,
  direction: MoveDirection,
): string {
  if (override !== undefined) return 'the override applies only to the state that the plan shows'
  if (movedBy !== null) return 'a rollback moved it'
  const unknown = 'the audit log has no record of the move'
  if (rule === undefined) return unknown
  return direction === 'backward'
    ? `${unknown}, and the tag moved to a lower version`
    : `${unknown}, and dray cannot determine whether the tag moved to a higher version`
}

/**
 * Returns the images for which it is worth reading the registries again: a tag of them is in
 * conflict, nothing failed, and each conflict may be one after which the run may move the tag. A
 * conflict with the gates of an image is none.
 */
export function imagesToDecideAgain({ plan, steps }: PlanAttempt): ReadonlySet<string> {
  const imageOf = new Map(plan.placements.map(({ id, image }) => [id, image]))
  const byId = new Map(plan.steps.map((step) => [step.id, step]))
  const inConflict = new Set<string>()
  const settled = new Set<string>()
  for (const { step: id, result, movedBy, gates } of steps) {
    const step = byId.get(id)
    const image = step && imageOf.get(step.placement)
    if (step === undefined || image === undefined) continue
    if (result === 'conflict') inConflict.add(image)
    // where a move of unknown origin went is read later; a gate that fails needs no reading
    const mayMove = gates === undefined && mayMoveAgain(rulesOf(step), movedBy, 'forward')
    const isOpen = result !== 'conflict' || mayMove
    if (result === 'failed' || !isOpen) settled.add(image)
  }
  return new Set([...inConflict].filter((image) => !settled.has(image)))
}

/**
 * Returns the tags that `again` would write and that others moved since the attempt saw them. A tag
 * that the attempt did not see was read for `again` alone.
 */
export function movedUnderway(attempt: PlanAttempt, again: Plan): readonly MovedUnderway[] {
  const seen = tagsSeenBy(attempt)
  const imageOf = new Map(again.placements.map(({ id, image }) => [id, image]))
  return again.steps.flatMap((step): readonly MovedUnderway[] => {
    const written = writtenTag(step)
    const image = imageOf.get(step.placement)
    if (written === undefined || image === undefined) return []
    const { repository, tag } = written
    const to = expectedDigest(step, written)
    const before = seen.get(formatAt(repository, { tag })) ?? { digest: to }
    const rules = rulesOf(step)
    const isSeen = before.digest === to && rules.override === before.override
    return isSeen ? [] : [{ repository, tag, image, from: before.digest, to, ...rules }]
  })
}

/** Returns the images of `again` whose source is another image by now, or that it does not have. */
export function changedImages({ plan }: Pick<PlanAttempt, 'plan'>, again: Plan): ReadonlySet<string> {
  const roots = new Map(again.placements.map(({ id, root }) => [id, root.digest]))
  const images = new Set([...again.placements, ...again.refusals].map(({ image }) => image))
  const changed = plan.placements.filter(
    ({ id, image, root }) => images.has(image) && roots.get(id) !== root.digest,
  )
  return new Set(changed.map(({ image }) => image))
}

/** The part of a plan that is about some of its images. */
export function planOfImages(plan: Plan, images: ReadonlySet<string>): Plan {
  const placements = plan.placements.filter(({ image }) => images.has(image))
  const ids = new Set(placements.map(({ id }) => id))
  return {
    ...plan,
    placements,
    steps: plan.steps.filter(({ placement }) => ids.has(placement)),
    refusals: plan.refusals.filter(({ image }) => images.has(image)),
  }
}

function rulesOf(step: Step): Pick<MovedUnderway, 'rule' | 'override'> {
  const rule = step.expect.find((one) => one.kind === 'highest')
  const override = step.kind === 'tag' ? step.override : undefined
  return { ...(rule !== undefined && { rule }), ...(override !== undefined && { override }) }
}

interface SeenTag {
  readonly digest: Digest | null
  readonly override?: TagOverride | undefined
}

/** By reference: each tag as the attempt left it, or as its plan saw it. */
function tagsSeenBy({ plan, steps }: PlanAttempt): ReadonlyMap<string, SeenTag> {
  const results = new Map(steps.map(({ step, result }) => [step, result]))
  const read = plan.placements.flatMap(({ to, tags, keptTags = [] }) => [
    ...keptTags.map(({ tag, at }) => [formatAt(to.repository, { tag }), { digest: at }] as const),
    ...tags.map(({ tag, before }) => [formatAt(to.repository, { tag }), { digest: before }] as const),
  ])
  const written = plan.steps.flatMap((step) => {
    const tag = writtenTag(step)
    if (tag === undefined) return []
    const isDone = results.get(step.id) === 'done' || results.get(step.id) === 'unchanged'
    const digest = isDone ? tag.digest : expectedDigest(step, tag)
    return [[formatAt(tag.repository, { tag: tag.tag }), { digest, ...rulesOf(step) }] as const]
  })
  return new Map<string, SeenTag>([...read, ...written])
}

function expectedDigest({ expect }: Step, { repository, tag }: WrittenTag): Digest | null {
  return expect.find((one) => isOfTag(one, repository, tag))?.digest ?? null
}
