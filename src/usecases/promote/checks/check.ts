import type { PlacementId, Refusal } from '../../../plan/plan.ts'
import type { TagDecisions } from '../../../plan/decide-tags.ts'
import type { UnreadTarget } from '../../../images/graph/unread.ts'
import type { RequestedTags } from '../../placing/requested-tags.ts'
import type { EvidenceDecision } from '../decide-evidence.ts'
import type { PromoteSnapshot, PromoteTarget } from '../snapshot.ts'

/**
 * A reason why an image may not be promoted, as a value: returns one refusal for the image, or one
 * for each target that it concerns. A new check is a file in this folder and an entry in
 * `promotionChecks`.
 */
export type PromotionCheck = (snapshot: PromoteSnapshot, context: CheckContext) => readonly Refusal[]

/** The decisions that a check may judge. */
export interface CheckContext {
  readonly requested: RequestedTags
  /** in the order of the request */
  readonly targets: readonly CheckedTarget[]
}

export type CheckedTarget = DecidedTarget | UndecidedTarget

/** One target with the decisions that its steps follow from. */
export interface DecidedTarget {
  readonly id: PlacementId
  readonly target: PromoteTarget
  readonly tags: TagDecisions
  readonly evidence: readonly EvidenceDecision[]
}

interface UndecidedTarget {
  readonly id: PlacementId
  readonly target: UnreadTarget
  readonly tags?: undefined
  readonly evidence?: undefined
}

export function listDecidedTargets({ targets }: CheckContext): readonly DecidedTarget[] {
  return targets.filter((one) => one.tags !== undefined)
}

/** Returns the refusals of all checks: those of the image first, then those of each target. */
export function runChecks(
  checks: readonly PromotionCheck[],
  snapshot: PromoteSnapshot,
  context: CheckContext,
): readonly Refusal[] {
  const found = Map.groupBy(
    checks.flatMap((check) => check(snapshot, context)),
    ({ placement }) => placement,
  )
  return [undefined, ...context.targets.map(({ id }) => id)].flatMap((id) => found.get(id) ?? [])
}
