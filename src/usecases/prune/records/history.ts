import type { OpenHold } from '../../../audit/holds/open-holds.ts'
import type { SupersededDigest, RepositoryMoves } from '../../../audit/moves/tag-moves.ts'
import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { PublicKey } from '../../../signing/dsse.ts'

/** The facts about a repository that its content does not show: from records and earlier runs. */
export interface RepositoryHistory {
  /** by digest: when dray last put a tag of the repository on it */
  readonly promoted: ReadonlyMap<Digest, PromotedTime>
  /** by digest: why some of its attestations do not count, for explanations */
  readonly ignored: ReadonlyMap<Digest, readonly string[]>
  /** superseded digests, if a rule selects them; those that exist were read */
  readonly superseded: readonly SupersededDigest[]
  /** records or attestations of the repository were found; undefined: no rule needs to know */
  readonly hasRecords?: boolean
  /** by tag: attached artifacts whose subject is missing, if a rule selects them */
  readonly orphaned: ReadonlyMap<string, MissingContent>
  /** by tag: broken indexes, if a rule selects them */
  readonly broken: ReadonlyMap<string, MissingContent>
  /** indexes that were copied without some platforms on purpose */
  readonly sparse: ReadonlySet<Digest>
}

/** When dray last put a tag of the repository on a digest, by its records. */
export interface PromotedTime {
  /** milliseconds since 1970 */
  readonly at: number
  /** the source, such as `promoted as 1.4.2 (audit log)` */
  readonly text: string
}

/** Content that two reads did not find. */
export interface MissingContent {
  readonly digests: readonly Digest[]
  /** when a run first saw that it is missing, in milliseconds since 1970 */
  readonly since: number
}

export const noHistory: RepositoryHistory = {
  promoted: new Map(),
  ignored: new Map(),
  superseded: [],
  orphaned: new Map(),
  broken: new Map(),
  sparse: new Set(),
}

export interface HistorySources {
  /** the moves in the repository by the audit log, which is read once for all repositories */
  readonly moves: (call: Call) => Promise<RepositoryMoves>
  /** the open holds in the repository by the audit log */
  readonly openHolds: (call: Call) => Promise<readonly OpenHold[]>
  /** one text for all names of a repository */
  readonly identify: (repository: RepositoryName) => string
  /** the keys that sign attestations; undefined: dray.yaml names no key, so they are not signed */
  readonly keys: (call: Call) => Promise<readonly PublicKey[] | undefined>
  /** saves what is missing, and returns the first sightings */
  readonly remember: (found: RunSightings, call: Call) => Promise<readonly FirstSighting[]>
  /**
   * Returns when a run first read the pull times of the repository, in milliseconds since 1970, and
   * saves it; by default it is now
   */
  readonly watchedSince?: (now: number, call: Call) => Promise<number>
}

/** Something that is missing, or was in an earlier run. */
export interface Sighting {
  readonly kind: 'orphaned' | 'broken'
  readonly tag: string
  /** the digest that the tag is on */
  readonly digest: Digest
}

/** Returns equal texts for equal sightings. */
export function sightingKey({ kind, tag, digest }: Sighting): string {
  return `${kind} ${tag} ${digest}`
}

export interface FirstSighting extends Sighting {
  /** milliseconds since 1970 */
  readonly since: number
}

export interface RunSightings {
  readonly repository: RepositoryName
  readonly sightings: readonly Sighting[]
  /** whether this run would have found it if it were missing */
  readonly isExamined: (sighting: Sighting) => boolean
  /** milliseconds since 1970 */
  readonly now: number
}
