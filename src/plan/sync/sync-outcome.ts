import type { RepositoryName } from '../../oci/reference.ts'
import { type RunOutcome, summarise, type StepOutcome } from '../outcome.ts'
import type { PruneOutcome } from '../prune/prune-outcome.ts'
import type { SyncPlan } from './sync-plan.ts'

/** The outcome of `dray sync`. */
export interface SyncOutcome extends RunOutcome {
  /** absent: the plan deletes nothing */
  readonly deletes?: PruneOutcome
  /** repositories with deletes in which a copy or tag did not succeed: nothing is deleted there */
  readonly undeleted: readonly RepositoryName[]
}

/** The outcome of the copies and tags alone. */
export function withoutDeletes(plan: SyncPlan, steps: readonly StepOutcome[] = []): SyncOutcome {
  return { ...summarise(plan, steps), undeleted: [] }
}
