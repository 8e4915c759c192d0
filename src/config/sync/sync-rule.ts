import type { Platform } from '../../oci/platform.ts'
import type { NewestVersions } from '../../selectors/newest-versions.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'
import type { LinearRegExp } from '../../lib/linear-regexp.ts'
import type { GateDefinition } from '../gates/gate.ts'
import type { TimeSource } from '../retention/policy.ts'
import type { ReadingConfig } from '../config.ts'

/** A rule of the section `sync`: the images to copy from one place to others. */
export interface SyncRule {
  /** unique in the file */
  readonly name: string
  readonly from: SyncSource
  /** in the order of the file; a repository is selected if one of them matches */
  readonly repositories: readonly RelativePattern[]
  /** at least one */
  readonly to: readonly SyncDestination[]
  /** a tag must match one of them; empty: all tags */
  readonly include: readonly SyncSelector[]
  /** the tags that the rule never selects */
  readonly exclude: readonly TagSelector[]
  /** the platforms to copy of each index; undefined: all */
  readonly platforms?: readonly Platform[]
  readonly movedTags: MovedTags
  /** undefined: the rule plans no delete */
  readonly delete?: SyncDelete
  /** how the tags are read as versions; a key replaces that of the destination's environment */
  readonly reading: ReadingConfig
  /** the sources for the time of an image; the first one that has a time decides */
  readonly timeFrom: readonly TimeSource[]
  /** gates of the rule, in addition to those of the environments */
  readonly gates: readonly GateDefinition[]
  /** the rule may select nothing */
  readonly optional: boolean
  /** `sha256:` and hex of the rule as written; the order of keys does not matter */
  readonly hash: string
}

/**
 * `follow`: a tag that is on another digest at the source moves. `followFloating`: it moves unless
 * it is a version tag. `keep`: it never moves.
 */
export type MovedTags = 'follow' | 'followFloating' | 'keep'

/** The place that the repositories of a rule are relative to. */
export type SyncSource =
  | {
      readonly kind: 'registry'
      readonly registry: string
      /** components before the relative path, without slashes at its ends; can be empty */
      readonly prefix: string
    }
  | { readonly kind: 'environment'; readonly environment: string }
  /** the absolute folder of an image layout; the rule then has one repository, `*` */
  | { readonly kind: 'layout'; readonly folder: string }

export type SyncDestination =
  | {
      readonly kind: 'registry'
      readonly registry: string
      /** contains `{repository}` at most once; without it, the rule has one repository */
      readonly path: string
    }
  | { readonly kind: 'environment'; readonly environment: string }
  | { readonly kind: 'layout'; readonly folder: string }

/** A pattern of paths below `from`: `library/alpine`, `bitnami/**`. */
export interface RelativePattern {
  readonly text: string
  /** there is no wildcard: `text` is the one path */
  readonly isPlain: boolean
  readonly regex: LinearRegExp
}

/** An entry of `include`. */
export interface SyncSelector {
  readonly tags: TagSelector
  /** only the highest versions of each line; with `semver` */
  readonly newestVersions?: NewestVersions
  /** globs of the variants whose versions it selects; the rule's reading declares them */
  readonly variant?: readonly string[]
  /** as in a retention rule; `newest` counts in each combination of their values */
  readonly groupBy?: readonly string[]
  /** the newest digests to select, with all of their tags; undefined: all */
  readonly newest?: number
}

/** Deletes of tags at the destinations that the rule does not select. */
export interface SyncDelete {
  /** no other rule and nothing else writes to the destination repositories */
  readonly exclusive: true
  /** milliseconds since the first run in which the source did not have the tag; 0 by default */
  readonly gracePeriod: number
  readonly maxDeletes?: number
  readonly maxPercent?: number
}

/** The placeholder in the path of a destination. */
export const repositoryPlaceholder = '{repository}'
