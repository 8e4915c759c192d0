import type { SyncRule } from '../../config/sync/sync-rule.ts'
import type { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { VersionReading } from '../../semver/version.ts'
import type { TagSelection } from './selection.ts'
import type { DestinationState } from './sync-state.ts'

/** One source repository of a rule, with its destinations. */
export interface SyncRequest {
  readonly rule: SyncRule
  readonly source: SyncPlace
  /** `{repository}` */
  readonly path: string
  readonly destinations: readonly SyncTarget[]
}

/** A repository, and its environment if the rule names one. */
export interface SyncPlace {
  readonly environment?: string
  readonly repository: RepositoryName
  /** how the tags there are read as versions */
  readonly reading: VersionReading
}

export interface SyncTarget extends SyncPlace {
  readonly state: DestinationState
  /** globs of tags that do not move there */
  readonly immutable: readonly string[]
  /** version tags do not move there: the environment has rules of tags */
  readonly keepsVersionTags: boolean
  /** the digests that protections by use name there, each with the source that names it */
  readonly inUse?: ReadonlyMap<Digest, string>
}

/** The state of one source repository and its destinations. */
export interface SyncSnapshot {
  readonly request: SyncRequest
  /** when the reading began, milliseconds since 1970 */
  readonly readAt: number
  /** attached artifacts are compared, and copied with their images */
  readonly evidence: boolean
  /** the complete list of the source */
  readonly sourceTags: readonly string[]
  readonly selection: TagSelection
  /** by selected tag; absent: it was deleted since the list, or could not be read */
  readonly source: ReadonlyMap<string, Digest>
  /** selected tags whose image cannot be read, while others can */
  readonly unread: ReadonlyMap<string, DrayError>
  /** in the order of the request */
  readonly destinations: readonly (DestinationSnapshot | UnreadDestination)[]
}

export interface DestinationSnapshot {
  readonly kind: 'read'
  readonly target: SyncTarget
  /** the complete list; undefined: the repository does not exist */
  readonly tags: readonly string[] | undefined
  /** milliseconds since 1970: the later of this machine's and the registry's clock */
  readonly seenAt: number
  /** the digests of the selected tags that the list has */
  readonly digests: ReadonlyMap<string, Digest>
  /** by digest of both sides: attached artifacts that the destination lacks */
  readonly evidenceMissing: ReadonlyMap<Digest, number>
  /** digests of both sides of which the destination lacks selected platforms */
  readonly incomplete: ReadonlySet<Digest>
  /** digests of which the referrers of children were searched in this run */
  readonly childrenSearched: ReadonlySet<Digest>
}

export interface UnreadDestination {
  readonly kind: 'unread'
  readonly target: SyncTarget
  readonly error: DrayError
}
