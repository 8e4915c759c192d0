import type { RepositoryPattern } from '../../selectors/repository-pattern.ts'
import type { TagSelector } from '../../selectors/tag-selector.ts'
import type { SyncRule } from '../sync/sync-rule.ts'
import type { ListenAddress } from './listen-address.ts'
import type { WatchSourceKind } from './watch-source-kinds.ts'

/** The section `watch`, checked. */
export interface WatchConfig {
  readonly listen: ListenAddress
  /** undefined: there is no endpoint for metrics */
  readonly metricsListen?: ListenAddress
  /** absolute path; undefined: in the state folder of the user */
  readonly journal?: string
  /** milliseconds between two checks without an event; undefined: there are none */
  readonly everyMs?: number
  /** at least one */
  readonly sources: readonly WatchSource[]
  /** at least one */
  readonly rules: readonly WatchRule[]
}

/** A registry that sends events. */
export interface WatchSource {
  /** unique in the file */
  readonly name: string
  readonly kind: WatchSourceKind
  /** the host in references; undefined: the one that the event names */
  readonly registry?: string
  readonly auth: WatchAuth
  readonly secret: WatchSecret
}

/** How the requests of a source are authenticated. */
export type WatchAuth =
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'hmac' }
  | { readonly kind: 'path' }

/** The place of a secret, which is never in `dray.yaml`. */
export type WatchSecret =
  | { readonly kind: 'variable'; readonly name: string }
  /** absolute */
  | { readonly kind: 'file'; readonly path: string }

export type WatchRule = PromoteOnEvent | SyncOnEvent

interface EventRule {
  /** unique in the file */
  readonly name: string
  /** undefined: every tag */
  readonly tags?: TagSelector
  readonly reason?: string
  readonly ticket?: string
}

/** Promotes an image of which a tag was pushed. */
export interface PromoteOnEvent extends EventRule {
  readonly do: 'promote'
  /** images of environments; at least one */
  readonly on: readonly RepositoryPattern[]
  readonly tags: TagSelector
  /** the environment */
  readonly to: string
  /** `edit`: the edits of deployment files stay uncommitted */
  readonly gitops: false | 'edit' | 'commit' | 'push' | 'pullRequest'
}

/** Runs a sync rule for the repository to which a tag was pushed. */
export interface SyncOnEvent extends EventRule {
  readonly do: 'sync'
  /** undefined: all repositories that the rule reads */
  readonly on?: readonly RepositoryPattern[]
  readonly rule: SyncRule
}
