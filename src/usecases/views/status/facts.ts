import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { VersionReading, VersionTag } from '../../../semver/version.ts'

/** An image at one target of an environment. */
export interface StatusTarget {
  readonly image: string
  readonly environment: string
  readonly repository: RepositoryName
  /** the current-version tag */
  readonly currentTag: string
  readonly reading: VersionReading
}

/** The state of an image at one target. */
export type CellFacts = { readonly target: StatusTarget } & (
  | (ReadTags & {
      readonly state: 'present'
      /** the image of the current-version tag */
      readonly digest: Digest
      /** the version tag on the same digest; null: not found */
      readonly version: VersionTag | null
      /** ISO 8601, UTC */
      readonly created: string | null
    })
  /** the repository has images, and no current-version tag */
  | (ReadTags & { readonly state: 'no-current-tag' })
  /** no repository, or no image in it */
  | { readonly state: 'not-deployed' }
  | { readonly state: 'unreachable'; readonly error: ErrorInfo }
)

interface ReadTags {
  /** the tags on images; undefined if the registry does not list them */
  readonly tags: readonly string[] | undefined
  /** the highest version in all of its spellings; empty without versions */
  readonly highest: readonly VersionTag[]
  /** the tags that were resolved; null: the tag no longer exists */
  readonly digests: ReadonlyMap<string, Digest | null>
}

/** From which environment images go to which. */
export interface PromotionPath {
  readonly from: string
  readonly to: string
}
