import type { Digest } from '../../oci/digest.ts'
import type { Platform } from '../../oci/platform.ts'
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
    /**
     * `tags` move with the source, also version tags: a sync has decided that. Tags of `immutable`
     * do not move
     */
    readonly followsSource?: true
  }
  /** tags to write at every target, in any order */
  readonly tags: readonly string[]
  /** maintain the floating tags of the image's version too */
  readonly tagMaintenance?: TagMaintenance
  /** `--expect-digest` */
  readonly expect?: Digest
  /** of an index: the platforms to copy; absent: all */
  readonly platforms?: readonly Platform[]
  /**
   * a target may have the index without some of the platforms, from an earlier run: one HEAD for
   * each manifest shows it. With `platforms` it is always read
   */
  readonly mayBeSparse?: true
  /** what this run has read already */
  readonly known?: KnownReads
}

/** Reads from which a request was made, so that they are not repeated. */
interface KnownReads {
  /** when they began, milliseconds since 1970 */
  readonly readAt: number
  /** the source tag is on it */
  readonly root: Digest
  /** the complete list of the source; absent: it is read if it is needed */
  readonly listed?: readonly string[]
  /** by the formatted name of the target */
  readonly targets: ReadonlyMap<string, KnownTarget>
}

export interface KnownTarget {
  /** null: there is no such tag */
  readonly tags: ReadonlyMap<string, Digest | null>
  /** the complete list; undefined: the repository does not exist, and has no content */
  readonly listed: ReadonlySet<string> | undefined
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
