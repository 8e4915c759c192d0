import type { ErrorInfo } from '../errors.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { StepId } from './plan.ts'
import type { PruneRefusal } from './prune-plan.ts'

/** What became of one delete. */
export interface DeleteOutcome {
  readonly step: StepId
  readonly repository: RepositoryName
  readonly result:
    | 'done'
    /** it was gone already */
    | 'unchanged'
    /** the registry does not delete this one, and nothing is wrong with that: a tag where tags cannot be deleted, a child that it holds */
    | 'kept'
    /** something reaches it now that did not when the plan was made: it stays */
    | 'conflict'
    /** the registry does not let manifests be deleted here, or not by this user */
    | 'refused'
    | 'failed'
    | 'notAttempted'
  /** with all but `done` and `unchanged` */
  readonly error?: ErrorInfo
}

/** The deletes of one repository, counted. */
export interface RepositoryOutcome {
  readonly repository: RepositoryName
  readonly image: string
  readonly status: 'pruned' | 'unchanged' | 'refused' | 'conflict' | 'failed' | 'notAttempted'
  /** manifests that were deleted */
  readonly deleted: number
  /** of these, those that had a tag of a person */
  readonly images: number
  /** tags that were taken off a digest that stays */
  readonly untagged: number
  readonly absent: number
  readonly kept: number
  readonly conflicts: number
  readonly failed: number
  readonly notAttempted: number
  /** as planned, where all of it was done; else what is sure */
  readonly freed: number
  readonly errors: readonly ErrorInfo[]
}

export interface PruneOutcome {
  readonly repositories: readonly RepositoryOutcome[]
  readonly refusals: readonly PruneRefusal[]
}
