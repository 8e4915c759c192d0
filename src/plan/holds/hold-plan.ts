import type { ErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'

/** Holds images against deletion, or ends their holds. */
export interface HoldPlan {
  readonly operation: 'hold'
  readonly decision: 'hold' | 'release'
  /** ISO 8601, UTC */
  readonly createdAt: string
  readonly reason: string
  readonly ticket?: string
  /** the last day of the hold, `2027-01-31` in UTC */
  readonly expires?: string
  /** one image in one repository each */
  readonly images: readonly HoldItem[]
  readonly refusals: readonly HoldRefusal[]
}

export interface HoldItem {
  /** as the user named it */
  readonly image: string
  readonly environment?: string
  readonly repository: RepositoryName
  readonly digest: Digest
  /** null: the repository does not have the image, and only the audit log has the hold */
  readonly subject: Descriptor | null
  /** of the statement: later than those that are attached, ISO 8601, UTC */
  readonly time: string
  readonly statement: 'attach' | 'unchanged'
  /** the tag of the hold */
  readonly tag: { readonly name: string; readonly change: 'create' | 'delete' | 'unchanged' }
  /** the newest hold before the change, in one line */
  readonly before?: string
}

export interface HoldRefusal {
  readonly image: string
  readonly repository?: RepositoryName
  readonly error: ErrorInfo
}

/** The outcome of one image in one repository. */
export interface HoldOutcome {
  readonly image: string
  readonly environment?: string
  readonly repository: RepositoryName
  readonly digest: Digest
  readonly tag: string
  readonly status: 'held' | 'released' | 'unchanged' | 'conflict' | 'failed' | 'notAttempted'
  /** the manifest of the statement; absent if none was attached */
  readonly statement?: Digest
  /** the tag of an ended hold is still there: the registry does not delete single tags */
  readonly isTagLeft?: true
  readonly error?: ErrorInfo
}
