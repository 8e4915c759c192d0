import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { Version } from '../../semver/version.ts'

/** An image whose floating tags go back to an earlier release. */
export interface RollbackRequest {
  /** as the user named it */
  readonly image: string
  readonly environment?: string
  readonly targets: readonly [RepositoryName, ...RepositoryName[]]
  /** undefined: the release of `variant` before the one that `currentTag` points to */
  readonly to: Version | Digest | undefined
  /** whose floating tags move, if `to` names none; absent: no variant */
  readonly variant?: string
  /** the tag that shows the current version of the variant */
  readonly currentTag: string
  readonly policy: TagPolicy
  /** globs of tags that do not move */
  readonly immutable: readonly string[]
  /** if the first target cannot be read, the next one selects the release */
  readonly partial: boolean
}
