import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { VersionReading } from '../../../semver/version.ts'
import type { TagGroup } from '../../../selectors/tag-group.ts'
import type { TagVerdict, Verdict, Why } from '../../../plan/prune/prune-plan.ts'

/** Why one tag or digest is kept or deleted, with the result of every protection and rule. */
export interface Explanation {
  readonly repository: RepositoryName
  /** the short name: `@dev/api`, or `registry.example.com/dev/api` outside environments */
  readonly image: string
  /** the tag to explain; absent if a digest was given */
  readonly tag?: string
  /** null: the tag is listed and has no manifest */
  readonly digest: Digest | null
  readonly verdict: Verdict
  readonly why: Why
  /** why dray deletes nothing in the repository although it decides to: a limit of the policy */
  readonly refusal?: ErrorInfo
  readonly time: ExplainedTime
  /** the facts of the inventory; absent without one, and if it does not list the digest */
  readonly listing?: ExplainedListing
  /** how the tag is read as a version; absent if a digest was given, and for attached artifacts */
  readonly version?: ExplainedVersion
  /** in the order of the policy, without those of other repositories */
  readonly protections: readonly ProtectionResult[]
  readonly rules: readonly RuleResult[]
  /** other tags on the same digest */
  readonly otherTags: readonly TagVerdict[]
  /** what is kept and reaches it: tags and digests, with how (`index sha256:…, kept by prod`) */
  readonly reachedBy: readonly string[]
}

export interface ExplainedVersion {
  readonly kind: 'version' | 'versionLike' | 'plain'
  readonly scheme: VersionReading['scheme']
  /** without `v`, with the variant; absent unless it is a version */
  readonly version?: string
  /** empty without a variant */
  readonly variant?: string
  /** `release 1.4.2 of the variant alpine` */
  readonly text: string
}

/** The facts of a vendor's inventory about an image. Times are ISO 8601, UTC. */
export interface ExplainedListing {
  /** the name of the vendor */
  readonly vendor: string
  readonly pushedAt?: string
  /** the last pull of it, of an index above it or of a manifest below it */
  readonly pulledAt?: string
  /** the user agent of that pull */
  readonly pulledBy?: string
  readonly pulls: 'pulled' | 'never' | 'unknown'
  /** how exact times of pulls are */
  readonly precision: 'exact' | 'day' | 'no'
  /** the API that deletes it: `oci`, or the kind of the inventory */
  readonly deletesBy: string
}

export interface ExplainedTime {
  /** ISO 8601, UTC; absent if it is unknown or not plausible */
  readonly created?: string
  /** milliseconds until `now` */
  readonly age?: number
  /**
   * its source, or why there is none: `annotation of the index`, `config.created of linux/amd64,
   * the newest of 2`
   */
  readonly text: string
  /** the time that ages are relative to, ISO 8601, UTC */
  readonly now: string
}

/** The result of one protection. */
export interface ProtectionResult {
  readonly name: string
  /** it protects the tag or digest */
  readonly matches: boolean
  readonly text: string
}

/** The result of one rule. */
export interface RuleResult {
  readonly name: string
  /** `skipped`: an earlier rule decides */
  readonly verdict: 'delete' | 'keep' | 'notSelected' | 'skipped'
  readonly text: string
  /** of a rule that selects it */
  readonly conditions: readonly ConditionResult[]
  /** the value for each name of `groupBy` */
  readonly group?: TagGroup
  /** its place in the order of `keepNewest`; absent if it takes no slot */
  readonly position?: ExplainedPosition & {
    /** the order: `time`, `version`, `name` or `number n` */
    readonly by: string
  }
}

/** The place of a digest in its group. */
export interface ExplainedPosition {
  /** 1 is the highest; equal digests have equal places */
  readonly place: number
  /** the digests of the group that take a slot */
  readonly of: number
  /** its highest value: a time (ISO 8601, UTC), a version, a tag or digits */
  readonly value: string
}

/** The result of one condition of a rule, such as `olderThan`. */
export interface ConditionResult {
  readonly name: string
  /** this condition keeps the tag that the rule selects */
  readonly keeps: boolean
  readonly text: string
}
