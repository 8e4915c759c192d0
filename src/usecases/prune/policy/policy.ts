import type { RetentionPolicy, Rule, TagProtection } from '../../../config/retention/policy.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { VersionReading } from '../../../semver/version.ts'

/** The part of a policy that applies to one repository. Protections by use are `ReferenceInUse`. */
export interface RepositoryPolicy extends Pick<RetentionPolicy, 'limits' | 'timeFrom'> {
  readonly protect: readonly TagProtection[]
  readonly rules: readonly Rule[]
  /** how the tags of the repository are read as versions */
  readonly reading: VersionReading
  /** images come to the repository by promotions: its environment has `promoteFrom` */
  readonly isPromotionTarget?: boolean
}

/** A reference to an image of this repository that is in use. */
export interface ReferenceInUse {
  readonly at: { readonly tag: string } | { readonly digest: Digest }
  /** the source that has the reference, such as `gitops/prod/api.yaml` */
  readonly by: string
  /** the name of the protection that lists the source */
  readonly protection: string
  /**
   * set if only the host of the reference differs, and no alias says that it serves this repository
   */
  readonly otherHost?: OtherHost
}

/** The host in a reference in place of the host of the repository. */
interface OtherHost {
  readonly registry: string
  /** the whole reference */
  readonly reference: string
  /** whether `ignoreHosts` silences warnings about the host */
  readonly isIgnored: boolean
}
