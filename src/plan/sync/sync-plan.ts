import type { Hash } from '../plan.ts'
import type { DeletingPlan } from '../prune/deleting-plan.ts'
import type { RepositoryDrift } from './drift.ts'

/** The plan of `dray sync`: copies and tags first, then the deletes of extra tags. */
export interface SyncPlan extends DeletingPlan {
  readonly operation: 'sync'
  /** the rules that the plan was made by, in the order of the file */
  readonly rules: readonly PlannedRule[]
  /** in the order of the rules and of the repositories' names */
  readonly drift: readonly RepositoryDrift[]
}

/** A rule of `dray.yaml`, as it was when the plan was made. */
interface PlannedRule {
  readonly name: string
  readonly hash: Hash
}

/** Whether a destination differs from what its rule selects, without tags that the rule keeps. */
export function hasDrift({ drift }: Pick<SyncPlan, 'drift'>): boolean {
  return drift.some(({ tags }) => tags.some(({ state }) => state !== 'kept'))
}
