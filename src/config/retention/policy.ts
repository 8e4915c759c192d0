import type { FileMistake } from '../../lib/errors.ts'
import type { NewestVersions } from '../../selectors/newest-versions.ts'
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
  /** rules that never decide, because earlier ones select all of their tags */
  readonly hiddenRules: readonly FileMistake[]
  /** ranges that select other versions than a user expects */
  readonly doubtfulRanges: readonly FileMistake[]
  /** `sha256:` and hex of everything in the policy; the order of keys does not matter */
  readonly hash: string
}

/**
 * `promoted`: when dray last put a tag on the digest. `annotation`: the created annotation.
 * `config`: `created` of the config. `pushed`: the time of the push, if the registry or its
 * inventory has one.
 */
export type TimeSource = 'promoted' | 'annotation' | 'config' | 'pushed'

/**
 * The kind of content that a rule selects: `tags`, by their names; `superseded`, digests without a
 * tag that a tag pointed to before; `orphaned`, attached artifacts whose subject is missing;
 * `broken`, tags on a broken index, which has a missing child; `untagged` (written `untagged:
 * true`), manifests that no tag, index or kept subject reaches.
 */
export type RuleKind = 'tags' | 'superseded' | 'orphaned' | 'broken' | 'untagged'

/** The order in which `keepNewest` counts; the highest value comes first. */
export type RuleOrder =
  | { readonly by: 'time' }
  /** precedence of versions, as the repository reads them */
  | { readonly by: 'version' }
  /** the text of the tag, with runs of digits as numbers */
  | { readonly by: 'name' }
  /** the digits of a named group of the regular expression */
  | { readonly by: 'number'; readonly group: string }

/**
 * Selects what to delete. A rule deletes it if all of its conditions agree. The first rule that
 * selects a tag decides about it.
 */
export interface Rule {
  readonly name: string
  readonly kind: RuleKind
  /** undefined: in all repositories */
  readonly repositories?: readonly RepositoryPattern[]
  /** undefined: every tag that no earlier rule selects */
  readonly tags?: TagSelector
  /**
   * named groups of the regular expression, or `major`, `minor`, `patch` and `variant` of the
   * version; `keepNewest` counts in each combination of their values
   */
  readonly groupBy?: readonly string[]
  readonly orderBy: RuleOrder
  /** digests, highest first, of all tags that the rule selects, before age */
  readonly keepNewest?: number
  /** milliseconds */
  readonly olderThan?: number
  /** milliseconds since the last pull, or since the push if there was no pull */
  readonly notPulledFor?: number
  /** why it deletes, in place of its conditions; not of `dray.yaml` */
  readonly reason?: string
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
  /**
   * globs of variants, with a range: only versions of these variants, which the repository need not
   * declare; `newest` counts each variant separately
   */
  readonly variant?: readonly string[]
  /** only the highest versions of each line */
  readonly newest?: NewestVersions
}

export interface InUseProtection extends ProtectionBase {
  readonly kind: 'inUse'
  readonly inUse: InUseSources
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
