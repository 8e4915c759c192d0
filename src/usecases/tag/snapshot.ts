import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { VersionTag } from '../../semver/version.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'

/** One image that is to get tags where it is. */
export interface Request {
  /** as the person named it */
  readonly image: string
  readonly environment?: string
  /** the repository that it is in, in every target of its environment; the first says which image it is */
  readonly targets: readonly [RepositoryName, ...RepositoryName[]]
  readonly at: TagOrDigest
  readonly wish: Wish
  readonly policy: TagPolicy
  /** globs of tags that do not move */
  readonly immutable: readonly string[]
}

/** Which tags. */
export type Wish =
  /** as they were named */
  | { readonly kind: 'plain'; readonly tags: readonly string[] }
  /** those of a version, by the rules of versions */
  | { readonly kind: 'version'; readonly given: VersionTag }
  /** those of the version that the image says of itself: `org.opencontainers.image.version` */
  | { readonly kind: 'label' }
  /** those of the version after the highest in the repository */
  | { readonly kind: 'next'; readonly part: 'major' | 'minor' | 'patch' }

/** What the world was like when it was read. */
export interface Snapshot {
  readonly request: Request
  readonly root: Descriptor
  /** the versions that the image says of itself, each once; where they were asked for */
  readonly labels?: readonly string[]
  /** the highest version tag of all targets, and the highest on the image itself; where the next one was asked for and there is one */
  readonly highest?: { readonly tag: VersionTag; readonly own?: VersionTag }
  /** in the order of the request */
  readonly targets: readonly (TargetSnapshot | UnreadTarget)[]
}

export interface TargetSnapshot {
  readonly kind: 'read'
  readonly repository: RepositoryName
  /** the image is there */
  readonly hasRoot: boolean
  /** all tags; undefined where only plain tags are written */
  readonly listed: readonly string[] | undefined
  /** of the tags that may be written, or that tell of the version: null where there is none */
  readonly tags: ReadonlyMap<string, Digest | null>
}
