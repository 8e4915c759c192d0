import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { FormerImage } from '../../plan/former-image.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'

/** The state of the registries that promote, tag and rollback decide by. */
export interface PlacingSnapshot<Request, Target extends TargetTags> {
  readonly request: Request
  /** when its reading began, milliseconds since 1970: the tags may have moved since */
  readonly readAt: number
  /** in the order of the request */
  readonly targets: readonly (Target | UnreadTarget)[]
}

/** The tags of a target, as they were read. */
export interface TargetTags {
  readonly kind: 'read'
  readonly repository: RepositoryName
  /** the digests of `tagsToRead`; null: there is no such tag */
  readonly tags: ReadonlyMap<string, Digest | null>
  /** all tags, if the request maintains floating tags */
  readonly listed?: readonly string[]
  /** by digest: images that the registry deletes when their tags move */
  readonly former?: ReadonlyMap<Digest, FormerImage>
}
