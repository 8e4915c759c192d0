import { type DrayError, toDrayError } from '../../lib/errors.ts'
import type { PruneOutcome, RepositoryOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import { type ExitCode, exitCodeOf, exitCodes } from '../command/exit-codes.ts'

/** How a run ends that carried a plan out. What a registry keeps because it cannot delete it is nothing that went wrong. */
export function exitOfPrune(outcome: PruneOutcome, stop: AbortSignal): ExitCode {
  const { repositories, refusals } = outcome
  const bad = repositories.filter(({ status }) => status !== 'pruned' && status !== 'unchanged')
  if (bad.length + refusals.length === 0) return exitCodes.done
  if (stop.aborted) return exitCodeOf(reasonOf(stop).code)
  if (repositories.some(isChanged)) return exitCodes.partly
  const codes = new Set(refusals.map(({ error }) => exitCodeOf(error.code)))
  if (bad.some(({ status }) => status === 'failed') || codes.has(exitCodes.failed)) return exitCodes.failed
  return codes.has(exitCodes.refused) ||
    bad.some(({ status }) => status === 'refused' || status === 'conflict')
    ? exitCodes.refused
    : exitCodes.failed
}

/** How a run ends that only showed or saved a plan: as it would end if all of its deletes were done. */
export function exitOfPrunePlan({ repositories, refusals }: PrunePlan, detailed: boolean): ExitCode {
  const hasSteps = repositories.some(({ steps }) => steps.length > 0)
  if (refusals.length === 0) return detailed && hasSteps ? exitCodes.changes : exitCodes.done
  if (hasSteps) return exitCodes.partly
  const codes = new Set(refusals.map(({ error }) => exitCodeOf(error.code)))
  return codes.has(exitCodes.failed) ? exitCodes.failed : exitCodes.refused
}

function isChanged({ deleted, untagged }: RepositoryOutcome): boolean {
  return deleted + untagged > 0
}

function reasonOf(stop: AbortSignal): DrayError {
  return toDrayError(stop.reason)
}
