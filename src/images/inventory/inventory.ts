import type { Call } from '../../lib/call.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'

/** A vendor with an API of its own; the value of `registries.HOST.kind` in dray.yaml. */
export type InventoryKind =
  | 'ghcr'
  | 'ecr'
  | 'harbor'
  | 'gar'
  | 'acr'
  | 'dockerhub'
  | 'gitlab'
  | 'quay'
  | 'gitea'

/**
 * The manifests of a registry as the vendor's own API lists them. It knows more than the OCI API,
 * and its answers can lag behind: before a delete, dray resolves all tags through the OCI API.
 */
export interface Inventory {
  readonly kind: InventoryKind
  /** for messages, such as `GitHub Container Registry` */
  readonly name: string
  readonly knows: InventoryKnowledge
  readonly deletes: InventoryDeletes

  /**
   * Lists all manifests of a repository, in any order, each at least once: entries with the same
   * digest are merged. An incomplete list is an error.
   * @throws `not-found` if the repository is absent; `unauthorized`, `forbidden`, `unsupported` if
   * the registry has no inventory of this repository; and what the stack throws.
   */
  entries(repository: RepositoryName, call: Call): AsyncIterable<InventoryEntry>

  /**
   * Lists the paths of the repositories that begin with `prefix`. Absent: the vendor has no such
   * list, and the catalog is used.
   */
  repositories?(prefix: string, call: Call): AsyncIterable<string>

  /**
   * Deletes through the vendor's API; one outcome for each removal, in any order. Absent: only the
   * OCI API deletes. At most `deletes.manifests` removals of manifests, or `deletes.tags` of tags.
   * @param beforeAttempt is called before each attempt of each request, and may throw
   */
  remove?(
    repository: RepositoryName,
    batch: readonly Removal[],
    call: Call,
    beforeAttempt?: BeforeAttempt,
  ): AsyncIterable<RemovalOutcome>
}

/** The facts that the entries of an inventory have. An absent value never means "never". */
export interface InventoryKnowledge {
  /** it lists manifests without tags */
  readonly untagged: boolean
  readonly pushedAt: boolean
  /** `day`: a pull can be up to 24 hours later than the time says */
  readonly pulledAt: 'exact' | 'day' | 'no'
  /** `content`: of the manifest and its blobs; `image`: with children, or of the largest child */
  readonly size: 'content' | 'image' | 'no'
  /** entries of indexes have their children */
  readonly children: boolean
  readonly locks: boolean
}

/** The items that the vendor's API deletes. A number is the most items of one request. */
export interface InventoryDeletes {
  readonly manifests: number | 'no'
  readonly tags: number | 'no'
  /** deleting the last tag deletes the manifest */
  readonly lastTagDeletesManifest: boolean
  /** a deleted manifest can be restored for some time */
  readonly restorable: boolean
  /** where and for how long, after "it can be restored": `in the settings for 30 days` */
  readonly restorableBy?: string
  /**
   * deleting a manifest deletes its untagged children that no other index lists, and its attached
   * artifacts; also through the OCI API. By default it does not
   */
  readonly cascades?: boolean
}

/** A manifest of the repository. Times are milliseconds since 1970. */
export interface InventoryEntry {
  readonly digest: Digest
  readonly tags: readonly InventoryTag[]
  readonly mediaType?: string
  readonly artifactType?: string
  readonly subject?: Digest
  /** of an index, complete */
  readonly children?: readonly Digest[]
  readonly pushedAt?: number
  /** undefined: unknown */
  readonly pulledAt?: number | 'never'
  /** the user agent of the last pull, if the vendor gives it */
  readonly pulledBy?: string
  readonly bytes?: number
  /** `delete`: it cannot be deleted; `write`: nor can its tags move */
  readonly locked?: InventoryLock
  /** a state that the vendor names, such as `ARCHIVED` */
  readonly status?: string
  /** the id of the vendor for deletes; it is never written to a plan file */
  readonly handle?: string
}

export interface InventoryTag {
  readonly name: string
  readonly pushedAt?: number
  readonly pulledAt?: number | 'never'
  /** the vendor refuses to delete or move the tag */
  readonly locked?: InventoryLock
}

/** A lock that only a person removes, in the vendor's words: `immutable tag rule`, `legal hold`. */
export interface InventoryLock {
  readonly of: 'delete' | 'write'
  readonly text: string
}

/** A manifest with all its tags, or a tag alone. */
export type Removal =
  | { readonly kind: 'manifest'; readonly digest: Digest; readonly handle?: string }
  | { readonly kind: 'tag'; readonly tag: string; readonly digest: Digest }

/**
 * `absent`: it did not exist; `protected`: the vendor keeps it, with its message; `failed`: any
 * other failure, with the error that was thrown.
 */
export type RemovalOutcome =
  | { readonly removal: Removal; readonly result: 'removed' | 'absent' }
  | { readonly removal: Removal; readonly result: 'protected'; readonly text: string }
  | { readonly removal: Removal; readonly result: 'failed'; readonly error: unknown }

/** Opens the inventories of registries. */
export interface Inventories {
  /**
   * Returns the inventory of a registry, the same object for the whole run. Undefined: dray.yaml
   * switches it off, or dray knows none for the host. Sends no request.
   */
  inventory(registry: string): Promise<Inventory | undefined>
}
