import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import type { RepositoryDrift } from '../../../plan/sync/drift.ts'
import type { SyncPlace, SyncTarget } from '../../../usecases/sync/snapshot.ts'
import type { DestinationState } from '../../../usecases/sync/sync-state.ts'

/** A destination repository of a rule that deletes, as this run read it. */
export interface ExclusiveRepository {
  readonly rule: SyncRule
  readonly source: SyncPlace
  /** with the state of the last run */
  readonly target: SyncTarget
  readonly drift: RepositoryDrift
  /** the state that this run keeps, with the first run in which each tag was extra */
  readonly state: DestinationState
  /** tags that the rule selects: they are never deleted */
  readonly selected: ReadonlySet<string>
  /** the complete list of the source */
  readonly sourceTags: readonly string[]
}

/** The extra tags of a repository that may be deleted now. */
export interface DeletableTags {
  readonly repository: ExclusiveRepository
  readonly tags: readonly string[]
  /** tags whose grace period has not ended, each with its end, in milliseconds since 1970 */
  readonly waiting: ReadonlyMap<string, number>
}

/** A destination repository in which nothing is deleted. */
export interface HeldDeletes {
  readonly repository: ExclusiveRepository
  /** a whole sentence with the fix */
  readonly reason: string
}
