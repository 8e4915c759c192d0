import type { PlacementOutcome, RunOutcome } from '../plan/outcome.ts'
import type { Plan } from '../plan/plan.ts'
import { toDrayError } from '../errors.ts'
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts'

/** Whether every image is where it should be. */
export function isGood(outcome: RunOutcome): boolean {
  return outcome.refusals.length === 0 && outcome.placements.every(isPlaced)
}

/** How a run ends that carried a plan out. */
export function exitOfOutcome(outcome: RunOutcome, stop: AbortSignal): ExitCode {
  if (isGood(outcome)) return exitCodes.done
  if (stop.aborted) return exitCodeOf(toDrayError(stop.reason).code)
  if (outcome.placements.some(isPlaced)) return exitCodes.partly
  const codes = [
    ...outcome.refusals.map(({ error }) => exitCodeOf(error.code)),
    ...outcome.placements.map(({ status }) =>
      status === 'refused' || status === 'conflict' ? exitCodes.refused : exitCodes.failed,
    ),
  ]
  return codes.includes(exitCodes.failed) ? exitCodes.failed : exitCodes.refused
}

/** How a run ends that only showed or saved a plan. */
export function exitOfPlan(plan: Plan, detailed: boolean): ExitCode {
  const [first] = plan.refusals
  if (first !== undefined) return plan.steps.length > 0 ? exitCodes.partly : exitCodeOf(first.error.code)
  return detailed && plan.steps.length > 0 ? exitCodes.changes : exitCodes.done
}

function isPlaced({ status }: PlacementOutcome): boolean {
  return status === 'promoted' || status === 'unchanged'
}
