import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { InventorySnapshot } from '../../images/inventory/inventory-snapshot.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { Known } from '../../images/ports.ts'
import type { RuleObstacle } from './inventory/obstacles.ts'
import type { ReferenceInUse } from './policy/policy.ts'
import type { RepositoryHistory } from './records/history.ts'

/** If two clocks differ by more, ages are not reliable. */
export const maxClockDifferenceMs = 3_600_000

/** A repository to read and decide about. */
export interface PruneRequest {
  readonly repository: RepositoryName
  /** the short name: `@dev/api`, or `registry.example.com/dev/api` outside environments */
  readonly image: string
  readonly environment?: string
  /** references in use to images of it */
  readonly inUse: readonly ReferenceInUse[]
  /** manifests that an interrupted run has left without anything that leads to them */
  readonly orphaned: readonly OrphanedManifest[]
}

/**
 * A manifest that an interrupted run planned to delete, after it deleted what led to the manifest.
 */
export interface OrphanedManifest {
  readonly digest: Digest
  /** the indexes and subjects that led to it */
  readonly of: readonly Digest[]
  /** the tags to delete together with it */
  readonly tags: readonly string[]
}

/** Everything that was read of a repository. */
export interface RepositorySnapshot extends PruneRequest {
  readonly graph: RepositoryGraph
  /** the times in the configs that were read, by the digest of their manifest */
  readonly configTimes: ReadonlyMap<Digest, ConfigTime>
  /** milliseconds since 1970: the earlier of this machine's and the registry's clock */
  readonly now: number
  readonly canUntag: Known
  /** undefined: no rule needs it */
  readonly history?: RepositoryHistory
  /** when the registry received a manifest, if it lists that, in milliseconds since 1970 */
  readonly pushed?: (digest: Digest) => number | undefined
  /** as in the plan */
  readonly referrers: 'read' | 'remembered'
  /** the complete list of the vendor; undefined: the OCI API listed the tags */
  readonly inventory?: InventorySnapshot
  /** the API that deletes manifests: `oci`, or the kind of the inventory */
  readonly deletesBy?: string
  /** by the name of a rule that dray cannot apply here */
  readonly obstacles?: ReadonlyMap<string, RuleObstacle>
  /** since when dray or the vendor knows of pulls, in milliseconds since 1970 */
  readonly watchedSince?: number
  /**
   * manifests that dray keeps because the inventory and the OCI API disagree, or because it cannot
   * read them, each with the reason
   */
  readonly disputed?: ReadonlyMap<Digest, string>
  /** warnings of the reading: whole sentences with the fix, without the name of the repository */
  readonly warnings?: readonly string[]
}

/** `created` of the config of an image, unparsed, or why it cannot be read. */
export type ConfigTime = { readonly created: string | undefined } | { readonly why: string }
