import type { DeletingOutcome } from '../prune/deleting-plan.ts'
import type { SyncPlan } from './sync-plan.ts'

/** The outcome of `dray sync`. */
export interface SyncOutcome extends DeletingOutcome {
  /** destinations that were read and have no difference */
  readonly inSync: number
}

/** Destinations that were read and have no difference. */
export function countInSync({ drift }: SyncPlan): number {
  return drift.filter(({ selected, tags, error }) => selected > 0 && tags.length === 0 && error === undefined)
    .length
}
