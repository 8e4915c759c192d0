import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'

/** One image, in each target of its environment. */
export interface HoldRequest {
  /** as the user named it */
  readonly image: string
  readonly environment?: string
  readonly targets: readonly RepositoryName[]
  readonly at: TagOrDigest
}
