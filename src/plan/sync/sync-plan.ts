import type { Plan } from '../plan.ts'
import type { PrunePlan } from '../prune/prune-plan.ts'
import type { RepositoryDrift } from './drift.ts'

/** The plan of `dray sync`: copies and tags first, then the deletes. */
export interface SyncPlan extends Plan {
  readonly operation: 'sync'
  /** in the order of the rules and of the repositories' names */
  readonly drift: readonly RepositoryDrift[]
  /**
   * the deletes of extra tags. `--delete` executes them, in repositories in which every copy and
   * tag succeeded. Absent: no rule deletes
   */
  readonly deletes?: PrunePlan
}
