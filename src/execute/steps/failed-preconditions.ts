import { toDrayError } from '../../lib/errors.ts'
import type { PlacementId, Step, StepId } from '../../plan/plan.ts'
import type { Obstacle } from '../../plan/review.ts'
import { inParallel } from '../../images/parallel.ts'
import type { TagWrite } from '../tags/tag-writer.ts'
import { tagOfAttach } from './attach.ts'
import type { StepContext } from './prepared-step.ts'

const checksAtOnce = 32

/**
 * Returns the steps that cannot be done, with the reason, before anything is changed: their tag is
 * not as the plan expects, or cannot be read. Their images are not begun at those targets; other
 * images are.
 * @param known found by a review; the placements of these steps are not checked again
 */
export async function findFailedPreconditions(
  steps: readonly Step[],
  known: ReadonlyMap<StepId, Obstacle>,
  context: StepContext,
): Promise<ReadonlyMap<StepId, Obstacle>> {
  const failed = new Map(known)
  const placements = placementsOf(steps, known)
  const open = steps.filter(({ expect, placement }) => expect.length > 0 && !placements.has(placement))
  await inParallel(open, checksAtOnce, context.contentCall, async (step, call) => {
    try {
      const tag = tagOf(step)
      const check = tag && (await context.tags.check(tag, call))
      if (check?.state === 'conflict') failed.set(step.id, check)
    } catch (error) {
      if (!call.signal.aborted) failed.set(step.id, { error: toDrayError(error) })
    }
  })
  return failed
}

export function placementsOf(
  steps: readonly Step[],
  failed: ReadonlyMap<StepId, unknown>,
): ReadonlySet<PlacementId> {
  return new Set(steps.filter(({ id }) => failed.has(id)).map(({ placement }) => placement))
}

function tagOf(step: Step): TagWrite | undefined {
  if (step.kind === 'tag') return step
  return step.kind === 'attach' && step.via === 'tag' ? tagOfAttach(step) : undefined
}
