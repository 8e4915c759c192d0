import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { VersionReading } from '../../semver/version.ts'

/** A promotion or copy of one image to one or several targets. */
export interface PromoteRequest {
  /** as the user named it */
  readonly image: string
  readonly from: {
    readonly environment?: string
    readonly repository: RepositoryName
    readonly at: TagOrDigest
    /** how the tags there are read as versions */
    readonly reading: VersionReading
  }
  readonly to: {
    readonly environment?: string
    /** the environments in `promoteFrom`; undefined: any source */
    readonly accepts?: readonly string[]
    readonly targets: readonly RepositoryName[]
    /** attach an attestation of the promotion before the tags move */
    readonly attest?: boolean
    /** globs of tags that do not move there */
    readonly immutable?: readonly string[]
    /** how the tags there are read as versions */
    readonly reading: VersionReading
  }
  /** tags to write at every target, in any order */
  readonly tags: readonly string[]
  /** maintain the floating tags of the image's version too */
  readonly tagMaintenance?: TagMaintenance
  /** `--expect-digest` */
  readonly expect?: Digest
}

/** Which floating tags a promotion maintains. */
export interface TagMaintenance {
  readonly policy: TagPolicy
  /**
   * `tags` is the source's own tag, not one chosen for the target. If it is no version, the version
   * tags on the image decide.
   */
  readonly mayDerive: boolean
  /** a floating tag of the version moves by the rules even if `tags` names it */
  readonly isForwardOnly?: true
}
