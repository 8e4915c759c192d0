import type { InventoryKind } from '../../../images/inventory/inventory.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { Verdict, Why } from '../../../plan/prune/prune-plan.ts'
import type { BlobTable } from './blob-table.ts'

/** Distinct numbers of a `BlobTable`. */
export type BlobIds = Uint32Array

/** Where each blob is stored once: a registry, or one repository with `dedupe: repository`. */
export interface BlobStorage {
  readonly registry: string
  readonly blobs: BlobTable
  readonly repositories: readonly RepositoryContents[]
  /** of a GiB for a month */
  readonly price?: number
}

/** A repository reduced to the blobs that its images have. Times are milliseconds since 1970. */
export interface RepositoryContents {
  readonly repository: RepositoryName
  /** `@dev/api`, or `registry.example.com/dev/api` outside environments */
  readonly image: string
  readonly images: readonly ImageContents[]
  /** blobs of attached artifacts that have a tag and whose image is missing */
  readonly orphaned: readonly BlobIds[]
  /** blobs that no tag leads to */
  readonly untagged: BlobIds
  readonly manifests: number
  readonly inventory?: KnownInventory
  /** blobs of manifests that were pushed before the day of `--since`, or that have no push time */
  readonly older?: BlobIds
  readonly planned?: PlannedDeletes
}

/** The inventory of the repository and its knowledge. */
export interface KnownInventory {
  readonly kind: InventoryKind
  /** of the vendor */
  readonly name: string
  readonly untagged: boolean
  readonly pulledAt: 'exact' | 'day' | 'no'
}

/** A digest with a tag that is not of an attached artifact. */
export interface ImageContents {
  readonly digest: Digest
  readonly tags: readonly string[]
  /** with those of children and attached artifacts */
  readonly blobs: BlobIds
  /** the last push of the manifest or of a tag on it */
  readonly pushedAt?: number
  /** undefined: unknown */
  readonly pulledAt?: number | 'never'
  /** the user agent of the last pull */
  readonly pulledBy?: string
  readonly judged?: ImageVerdict
}

/** The verdict of the policy on an image: the one that keeps it, if its tags differ. */
export interface ImageVerdict {
  readonly verdict: Verdict
  readonly why: Why
}

/** The deletes of a plan in one repository. */
interface PlannedDeletes {
  readonly images: number
  readonly manifests: number
  /** blobs of the manifests that it deletes; each of them can also be in `remaining` */
  readonly deleted: BlobIds
  /** blobs of the manifests that it keeps */
  readonly remaining: BlobIds
}
