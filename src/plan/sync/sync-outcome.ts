import type { RepositoryName } from '../../oci/reference.ts'
import { type RunOutcome, summarise } from '../outcome.ts'
import type { PruneOutcome } from '../prune/prune-outcome.ts'
import type { SyncPlan } from './sync-plan.ts'

/** The outcome of `dray sync`. */
export interface SyncOutcome extends RunOutcome {
  /** absent: the plan deletes nothing */
  readonly deletes?: PruneOutcome
  /** repositories with deletes in which a copy or tag did not succeed: nothing is deleted there */
  readonly undeleted: readonly RepositoryName[]
  /** destinations that were read and have no difference */
  readonly inSync: number
}

/** The outcome of a plan of which no step was executed, without its deletes. */
export function notExecuted(plan: SyncPlan): SyncOutcome {
  return { ...summarise(plan, []), undeleted: [], inSync: countInSync(plan) }
}

/** Destinations that were read and have no difference. */
export function countInSync({ drift }: SyncPlan): number {
  return drift.filter(({ selected, tags, error }) => selected > 0 && tags.length === 0 && error === undefined)
    .length
}
