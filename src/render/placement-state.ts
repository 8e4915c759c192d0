import type { Placement, Plan } from '../plan/plan.ts'

/** An image at one target has exactly one of these. */
export type PlacementState = 'changes' | 'upToDate' | 'refused' | 'notAttempted'

/** The state of an image at one target before the plan is executed. */
export function stateOf(placement: Placement, { steps, refusals }: Plan): PlacementState {
  const { id, image, tags, evidence } = placement
  const ofImage = refusals.filter((refusal) => refusal.image === image)
  if (ofImage.some((refusal) => refusal.placement === undefined || refusal.placement === id)) return 'refused'
  if (steps.some((step) => step.placement === id)) return 'changes'
  if (ofImage.length === 0) return 'upToDate'
  const isUpToDate =
    tags.length > 0 && tags.every(({ change }) => change === 'unchanged') && evidence.missing === 0
  return isUpToDate ? 'upToDate' : 'notAttempted'
}
