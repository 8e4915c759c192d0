import { type DrayError, toDrayError } from '../../lib/errors.ts'
import type { PlacementId, Plan, StepId } from '../../plan/plan.ts'
import type { Reviewed } from '../../plan/review.ts'
import { inParallel } from '../../images/parallel.ts'
import { prepareStep, type StepPorts } from '../steps.ts'

/** Tags that are looked at at once. */
const looksAtOnce = 32

/** Steps that cannot be done, and the placements that they belong to. */
export interface Obstacles {
  readonly found: ReadonlyMap<StepId, DrayError>
  readonly placements: ReadonlySet<PlacementId>
}

export const noObstacles: Obstacles = { found: new Map(), placements: new Set() }

export interface ReviewedSteps extends Pick<Reviewed, 'obstacles' | 'expect'> {
  /** The review has read all tags just now, and no question has come between. */
  readonly isOfNow: boolean
}

/**
 * What speaks against single steps before anything is changed: a tag that the plan did not foresee, or one that cannot be read. An image with one of
 * them is not begun at that target; the others are not held back by it. Of a saved plan, the review
 * has found some, and looked at all tags if it is of now.
 */
export async function findObstacles(
  { steps }: Plan,
  ports: StepPorts,
  reviewed?: ReviewedSteps,
): Promise<Obstacles> {
  const found = new Map<StepId, DrayError>(reviewed?.obstacles)
  const placements = new Set<PlacementId>(
    steps.filter(({ id }) => found.has(id)).map(({ placement }) => placement),
  )
  if (reviewed?.isOfNow === true) return { found, placements }
  const tags = steps.filter((step) => step.expect.length > 0 && !placements.has(step.placement))
  await inParallel(tags, looksAtOnce, ports.contentCall, async (step, call) => {
    try {
      await prepareStep(step, { ...ports, call, contentCall: call }).check([])
    } catch (error) {
      if (call.signal.aborted) return
      found.set(step.id, toDrayError(error))
      placements.add(step.placement)
    }
  })
  return { found, placements }
}
