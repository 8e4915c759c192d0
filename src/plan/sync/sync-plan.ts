import type { Hash, Plan } from '../plan.ts'
import type { PrunePlan } from '../prune/prune-plan.ts'
import type { RepositoryDrift } from './drift.ts'

/** The plan of `dray sync`: copies and tags first, then the deletes. */
export interface SyncPlan extends Plan {
  readonly operation: 'sync'
  /** the rules that the plan was made by, in the order of the file */
  readonly rules: readonly PlannedRule[]
  /** in the order of the rules and of the repositories' names */
  readonly drift: readonly RepositoryDrift[]
  /**
   * the deletes of extra tags, in repositories in which every copy and tag succeeds. Absent: no
   * rule deletes
   */
  readonly deletes?: PrunePlan
  /** `--delete`: the deletes are executed; otherwise they are only shown */
  readonly executesDeletes?: true
}

/** A rule of `dray.yaml`, as it was when the plan was made. */
export interface PlannedRule {
  readonly name: string
  readonly hash: Hash
}

/** The deletes that an execution of the plan includes. */
export function deletesOf({ deletes, executesDeletes }: SyncPlan): PrunePlan | undefined {
  return executesDeletes === true ? deletes : undefined
}

/** Whether a destination differs from what its rule selects, without tags that the rule keeps. */
export function hasDrift({ drift }: Pick<SyncPlan, 'drift'>): boolean {
  return drift.some(({ tags }) => tags.some(({ state }) => state !== 'kept'))
}
