import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { VersionTag } from '../../semver/version.ts'

/** Tags for one image in its own repositories. */
export interface TagRequest {
  /** as the user named it */
  readonly image: string
  readonly environment?: string
  /** its repository in each target of the environment; the image is resolved in the first */
  readonly targets: readonly [RepositoryName, ...RepositoryName[]]
  readonly at: TagOrDigest
  readonly choice: TagChoice
  readonly policy: TagPolicy
  /** globs of tags that do not move */
  readonly immutable: readonly string[]
}

/** Which tags the image gets. */
export type TagChoice =
  | { readonly kind: 'plain'; readonly tags: readonly string[] }
  /** the tags of this version */
  | { readonly kind: 'version'; readonly given: VersionTag }
  /** the tags of the version in `org.opencontainers.image.version` */
  | { readonly kind: 'label' }
  /** the tags of the version after the highest in the repository, of any variant */
  | { readonly kind: 'next'; readonly part: 'major' | 'minor' | 'patch'; readonly variant?: string }
