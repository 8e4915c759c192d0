import type { RepositoryPattern } from '../../selectors/repository-pattern.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'

/** A policy of the section `retention`. The configuration makes it, and use cases apply it. */
export interface RetentionPolicy {
  /** undefined: the section has one policy without a name */
  readonly name: string | undefined
  readonly protect: readonly Protection[]
  readonly rules: readonly Rule[]
  readonly limits: Limits
  /** the sources for the time of an image; the first one that has a time decides */
  readonly timeFrom: readonly TimeSource[]
  /** `sha256:` and hex of everything in the policy; the order of keys does not matter */
  readonly hash: string
}

export type TimeSource = 'annotation' | 'config'

/** Selects tags to delete. A rule deletes a tag if all of its conditions agree. */
export interface Rule {
  readonly name: string
  /** undefined: in all repositories */
  readonly repositories?: readonly RepositoryPattern[]
  /** undefined: every tag */
  readonly tags?: TagSelector
  /**
   * `major` or `minor` of a version, or a named group of the regular expression; `keepNewest`
   * counts in each group
   */
  readonly groupBy?: string
  /** digests, newest first, of all tags that the rule selects, before age */
  readonly keepNewest?: number
  /** milliseconds */
  readonly olderThan?: number
}

/** Keeps images by digest, with everything that they reach. */
export type Protection = TagProtection | InUseProtection

interface ProtectionBase {
  /**
   * unique in the policy: the configured name, or one made of the protected content, such as `tags
   * latest, prod-*`
   */
  readonly name: string
  /** it may match nothing */
  readonly optional: boolean
  /** undefined: in all repositories */
  readonly repositories?: readonly RepositoryPattern[]
}

export interface TagProtection extends ProtectionBase {
  readonly kind: 'tags'
  readonly tags: TagSelector
  /** only the highest versions of each line */
  readonly newest?: NewestVersions
}

export interface InUseProtection extends ProtectionBase {
  readonly kind: 'inUse'
  readonly inUse: InUseSources
}

export interface NewestVersions {
  readonly per: 'repository' | 'major' | 'minor' | 'patch'
  readonly count: number
}

/** At least one of `files` and `kubectl`. */
export interface InUseSources {
  /** globs as written, and the absolute folder that they are relative to */
  readonly files?: { readonly globs: readonly string[]; readonly folder: string }
  readonly kubectl?: { readonly contexts: readonly string[] }
  /** normalized hosts; dray does not warn about references to them that match no repository */
  readonly ignoreHosts?: readonly string[]
}

/**
 * Counted in digests that have a tag which is not of an attached artifact. Undefined: not limited.
 */
export interface Limits {
  /** in one repository, and in the whole run */
  readonly maxDeletes?: number
  /** of the digests of one repository */
  readonly maxPercent?: number
  /** digests that one repository has afterwards */
  readonly minRemaining?: number
}
