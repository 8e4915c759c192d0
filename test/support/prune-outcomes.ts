import {
  type DeleteOutcome,
  type PruneOutcome,
  summarisePrune,
  summariseRepository,
} from '../../src/plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../src/plan/prune/prune-plan.ts'

type Result = DeleteOutcome['result']

/** The result of a step, with its error and API if there are any. */
export type StepResult = Result | Pick<DeleteOutcome, 'result' | 'error' | 'by'>

/** The outcome of a plan whose steps succeeded, except for steps by image name and step id. */
export function pruneOutcome(
  plan: PrunePlan,
  exceptions: Readonly<Record<string, Readonly<Record<string, StepResult>>>> = {},
): PruneOutcome {
  const ended = plan.repositories.map((one) => {
    const { image, repository, steps } = one
    const outcomes = steps.map(({ id }): DeleteOutcome => {
      const became = exceptions[image]?.[id] ?? 'done'
      return { step: id, repository, ...(typeof became === 'string' ? { result: became } : became) }
    })
    return [one, summariseRepository(plan, one, outcomes)] as const
  })
  return summarisePrune(plan, new Map(ended))
}
