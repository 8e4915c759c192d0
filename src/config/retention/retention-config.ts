import type { RepositoryPattern } from '../../selectors/repository-pattern.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'
import type { Config } from '../config.ts'
import type { Issue } from '../shape.ts'

/** A policy of the section `retention`, checked by its meaning. */
export interface RetentionConfig {
  /** undefined: it stands alone */
  readonly name: string | undefined
  readonly protect: readonly ProtectionConfig[]
  readonly rules: readonly RuleConfig[]
  readonly limits: LimitsConfig
  /** where the time of an image is read, in this order */
  readonly timeFrom: readonly TimeSource[]
  /** of all that is written in it, whatever the order of keys: `sha256:` and hex */
  readonly hash: string
}

type TimeSource = 'annotation' | 'config'

/** What is not given is not limited. */
export interface LimitsConfig {
  readonly maxDeletes?: number
  readonly maxPercent?: number
  readonly minRemaining?: number
}

export type ProtectionConfig = {
  /** what it was called, else made of what it says: `tags latest, prod-*` */
  readonly name: string
  /** it may match nothing */
  readonly optional: boolean
  /** undefined: in all */
  readonly repositories?: readonly RepositoryPattern[]
} & (
  | { readonly kind: 'tags'; readonly tags: TagSelector; readonly newest?: NewestConfig }
  | { readonly kind: 'inUse'; readonly inUse: InUseConfig }
)

export interface NewestConfig {
  readonly per: 'repository' | 'major' | 'minor' | 'patch'
  readonly count: number
}

/** At least one of `files` and `kubectl`. */
export interface InUseConfig {
  /** globs as they were written, and the absolute folder that they are relative to */
  readonly files?: { readonly globs: readonly string[]; readonly folder: string }
  readonly kubectl?: { readonly contexts: readonly string[] }
  /** hosts, in their normal form, whose references match no repository and are not warned about */
  readonly ignoreHosts?: readonly string[]
}

export interface RuleConfig {
  readonly name: string
  /** undefined: in all */
  readonly repositories?: readonly RepositoryPattern[]
  /** undefined: every tag */
  readonly tags?: TagSelector
  /** a named group of the regular expression, else `major` or `minor` */
  readonly groupBy?: string
  readonly keepNewest?: number
  /** milliseconds */
  readonly olderThan?: number
}

/** What the parts of a policy are read with. Mistakes are added to `issues`; what has one is left out. */
export interface Reader {
  readonly config: Config
  /** absolute, of dray.yaml */
  readonly folder: string
  readonly issues: Issue[]
}
