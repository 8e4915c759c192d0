import { isChanged, type PlacementOutcome, type RunOutcome, summarise } from '../../plan/outcome.ts'
import type { Plan } from '../../plan/plan.ts'
import { toDrayError } from '../../lib/errors.ts'
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts'

/** Whether every image is where it should be. */
export function isGood(outcome: RunOutcome): boolean {
  return outcome.refusals.length === 0 && outcome.placements.every(isPlaced)
}

/** How a run ends that carried a plan out. */
export function exitOfOutcome(outcome: RunOutcome, stop: AbortSignal): ExitCode {
  if (isGood(outcome)) return exitCodes.done
  return stop.aborted ? exitCodeOf(toDrayError(stop.reason).code) : exitOfBad(outcome)
}

/** How a run ends that only showed or saved a plan: as it would end if all of its steps were done. */
export function exitOfPlan(plan: Plan, detailed: boolean): ExitCode {
  const hasSteps = plan.steps.length > 0
  if (plan.refusals.length === 0) return detailed && hasSteps ? exitCodes.changes : exitCodes.done
  return hasSteps ? exitCodes.partly : exitOfBad(summarise(plan, []))
}

/** What was not attempted waited for something else, which gives the code. */
function exitOfBad({ placements, refusals }: RunOutcome): ExitCode {
  if (placements.some(isPlaced)) return exitCodes.partly
  const statuses = new Set(placements.map(({ status }) => status))
  const codes = new Set(refusals.map(({ error }) => exitCodeOf(error.code)))
  if (statuses.has('failed') || codes.has(exitCodes.failed)) return exitCodes.failed
  return codes.has(exitCodes.refused) || statuses.has('conflict') ? exitCodes.refused : exitCodes.failed
}

/** Whether one image is where it should be. */
export function isPlaced(outcome: PlacementOutcome): boolean {
  return isChanged(outcome) || outcome.status === 'unchanged'
}
