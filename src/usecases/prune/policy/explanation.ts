import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { TagVerdict, Verdict, Why } from '../../../plan/prune/prune-plan.ts'

/** Why one tag or digest stays or goes: what every protection and every rule said of it. */
export interface Explanation {
  readonly repository: RepositoryName
  /** as a person would name it: `@dev/api`, else `registry.example.com/dev/api` */
  readonly image: string
  /** the tag that was asked for; absent where a digest was */
  readonly tag?: string
  /** null: the tag is listed, and there is no manifest under it */
  readonly digest: Digest | null
  readonly verdict: Verdict
  readonly why: Why
  readonly time: ExplainedTime
  /** in the order of the policy; those of other repositories are left out */
  readonly protections: readonly PolicyResult[]
  readonly rules: readonly RuleResult[]
  /** tags of people on the same digest */
  readonly otherTags: readonly TagVerdict[]
  /** what stays and reaches it: tags and digests, with how (`index sha256:…, kept by prod`) */
  readonly reachedBy: readonly string[]
}

export interface ExplainedTime {
  /** ISO 8601, UTC; absent where none is known or to be believed */
  readonly created?: string
  /** milliseconds until `now` */
  readonly age?: number
  /** where it comes from, or why there is none: `annotation of the index`, `config.created of linux/amd64, the newest of 2` */
  readonly text: string
  /** what ages are counted to, ISO 8601, UTC */
  readonly now: string
}

/** What one protection or one condition said. */
export interface PolicyResult {
  readonly name: string
  readonly holds: boolean
  readonly text: string
}

export interface RuleResult {
  readonly name: string
  readonly says: 'delete' | 'spare' | 'notSelected'
  readonly text: string
  /** of a rule that selects it; `holds`: it is spared by this one */
  readonly conditions: readonly PolicyResult[]
}
