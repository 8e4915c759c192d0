import type { RepositoryName } from '../../oci/reference.ts'
import type { RunOutcome } from '../outcome.ts'
import type { Plan } from '../plan.ts'
import type { PruneOutcome } from './prune-outcome.ts'
import type { PrunePlan } from './prune-plan.ts'

/** A plan with copies and tags first, then deletes. */
export interface DeletingPlan extends Plan {
  /** in repositories in which every copy and tag succeeds. Absent: there are no deletes */
  readonly deletes?: PrunePlan
  /** `--delete`: the deletes are executed; otherwise they are only shown */
  readonly executesDeletes?: true
}

/** The outcome of a plan with deletes. */
export interface DeletingOutcome extends RunOutcome {
  /** absent: the plan deletes nothing */
  readonly deletes?: PruneOutcome
  /** repositories with deletes in which a copy or tag did not succeed: nothing is deleted there */
  readonly undeleted: readonly RepositoryName[]
}

/** The deletes that an execution of the plan includes. */
export function deletesOf({ deletes, executesDeletes }: DeletingPlan): PrunePlan | undefined {
  return executesDeletes === true ? deletes : undefined
}
