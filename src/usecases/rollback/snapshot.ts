import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { Version, VersionTag } from '../../semver/version.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'

/** An image whose floating tags are to go back to an earlier release. */
export interface Request {
  /** as the person named it */
  readonly image: string
  readonly environment?: string
  readonly targets: readonly [RepositoryName, ...RepositoryName[]]
  /** undefined: to the release before the one that `marker` is on */
  readonly to: Version | Digest | undefined
  /** the tag that says what is current */
  readonly marker: string
  readonly policy: TagPolicy
  /** globs of tags that do not move */
  readonly immutable: readonly string[]
  /** where a target cannot be read, another says which release it is */
  readonly partial: boolean
}

/**
 * What the world was like when it was read; the release is looked for in the first target (with `partial` in the first that can be read), and must be in
 * all of them.
 */
export interface Snapshot {
  readonly request: Request
  readonly release: Release
  /** in the order of the request */
  readonly targets: readonly (TargetSnapshot | UnreadTarget)[]
}

/** The image to go back to, and its version tag. */
export interface Release {
  readonly tag: VersionTag
  readonly root: Descriptor
}

export interface TargetSnapshot {
  readonly kind: 'read'
  readonly repository: RepositoryName
  readonly listed: readonly string[]
  /** the version tag of the release here, where it is on the same image */
  readonly exact: string | undefined
  /** of the floating tags that could go back: null where there is none */
  readonly tags: ReadonlyMap<string, Digest | null>
}
