import type { Digest } from '../../../oci/digest.ts'
import type { LinearRegExp } from '../../../lib/linear-regexp.ts'
import type { VersionRange } from '../../../semver/range.ts'

/** What may be deleted in one repository, and what may not: the rules and protections of a policy that apply to it. */
export interface RetentionPolicy {
  readonly protect: readonly Protection[]
  readonly rules: readonly Rule[]
  readonly limits: Limits
  /** where the time of an image is read, in this order; the first that says one decides */
  readonly timeFrom: readonly TimeSource[]
}

export type TimeSource = 'annotation' | 'config'

export type TagSelector =
  /** anchored; any of them */
  | { readonly kind: 'glob'; readonly globs: readonly string[] }
  | { readonly kind: 'regex'; readonly regex: LinearRegExp }
  | { readonly kind: 'semver'; readonly range: VersionRange; readonly text: string }

/** Selects tags to delete. Its conditions have all to agree; of several rules one is enough. */
export interface Rule {
  readonly name: string
  /** undefined: every tag */
  readonly tags?: TagSelector
  /** `major` or `minor` of a version, else a named group of the regular expression; `keepNewest` counts within each group */
  readonly groupBy?: string
  /** digests, newest first by time, over all matches and before age */
  readonly keepNewest?: number
  /** milliseconds */
  readonly olderThan?: number
}

/** Holds images by digest, with everything that they reach. */
export interface Protection {
  /** unique in the policy */
  readonly name: string
  readonly tags: TagSelector
  /** only so many of the highest versions in each line */
  readonly newest?: { readonly per: NewestPer; readonly count: number }
}

export type NewestPer = 'repository' | 'major' | 'minor' | 'patch'

/** Counted in digests that have a tag of a person. What is not given is not limited. */
export interface Limits {
  /** in one repository, and in the whole run */
  readonly maxDeletes?: number
  /** of the digests of one repository */
  readonly maxPercent?: number
  /** digests that one repository has afterwards */
  readonly minRemaining?: number
}

/** An image of this repository that something runs. */
export interface UsedImage {
  readonly at: { readonly tag: string } | { readonly digest: Digest }
  /** what says so, such as `gitops/prod/api.yaml` */
  readonly by: string
  /** the name of the protection that looked there */
  readonly protection: string
  /** set if only the host of the reference differs, and nothing says that it serves this repository */
  readonly otherHost?: OtherHost
}

/** The host that a reference names in place of the repository's own. */
interface OtherHost {
  readonly registry: string
  /** the whole reference */
  readonly reference: string
  /** whether `ignoreHosts` silences warnings about the host */
  readonly isIgnored: boolean
}
