import type { InventoryKind } from '../../images/inventory/inventory.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Verdict, Why } from '../../plan/prune/prune-plan.ts'

/** A fact that dray could not read. It never means zero or never. */
export type Unknown = 'unknown'

export type UsageGrouping = 'repository' | 'tag' | 'layer'

/**
 * The storage that the repositories of a run use. All sizes are bytes of distinct blobs (manifests,
 * configs and layers); all times are ISO 8601, UTC; days are `2026-03-04`, UTC.
 */
export interface UsageReport {
  /** when the reading began */
  readonly at: string
  readonly by: UsageGrouping
  /** the age of `--since`, or its default, in days */
  readonly sinceDays: number
  /** the age of `--not-pulled`, milliseconds */
  readonly notPulledFor?: number
  /** the policy of `--policy`, whose deletes are in `wouldFree` */
  readonly policy?: UsagePolicy
  /** those that were read, the largest first */
  readonly repositories: readonly RepositoryUsage[]
  readonly unreachable: readonly UnreachableUsage[]
  readonly totals: UsageTotals
  /**
   * of `--by tag`, the most unique bytes first; at most as many as the limit; with `--not-pulled`
   * only unpulled ones
   */
  readonly images?: readonly ImageUsage[]
  /** of `--by layer`, the largest first; at most as many as the limit */
  readonly layers?: readonly LayerUsage[]
  /** absent if no registry of the run has pull times */
  readonly pulls?: PullTimes
  /** the recorded days of the repositories of this report, today included */
  readonly history: UsageHistory
  /** whole sentences, without an escape of control characters */
  readonly notes: readonly string[]
}

export interface UsagePolicy {
  /** absent: the only policy, which has no name */
  readonly name?: string
  /** the run as a whole is refused, and a prune deletes nothing */
  readonly refused?: ErrorInfo
}

/**
 * Disjoint parts of the content of a repository. They add up to `stored`. A blob that another
 * repository of the registry has too is in `crossRepository` and in no other part.
 */
export interface StoredBytes {
  /** one image has it */
  readonly unique: number
  /** several images of the repository have it */
  readonly shared: number
  readonly crossRepository: number
  /** no tagged image has it; `unknown` without an inventory that lists untagged manifests */
  readonly untagged: number | Unknown
  /** of all blobs that dray knows */
  readonly stored: number
}

export interface RepositoryUsage {
  readonly repository: RepositoryName
  /** the short name: `@dev/api`, or `registry.example.com/dev/api` outside environments */
  readonly image: string
  /** absent without an inventory */
  readonly inventory?: InventoryKind
  /** digests with a tag that is not of an attached artifact */
  readonly images: number
  /** their tags */
  readonly tags: number
  /** all that dray knows, with children and attached artifacts */
  readonly manifests: number
  readonly bytes: StoredBytes
  /** the sum of the images as if they shared nothing */
  readonly sumOfImages: number
  /** the last pull of any tagged image, `never` or `unknown`; absent without pull times */
  readonly lastPulledAt?: string
  readonly growth: UsageGrowth | Unknown
  /** absent without `--not-pulled` */
  readonly notPulled?: UnpulledImages | Unknown
  /** absent without `--policy` */
  readonly wouldFree?: WouldFree
  /**
   * a month of `unique`, `shared` and `untagged`, in the currency of the configured price; absent
   * without a price. Cross-repository bytes have a price in the total only.
   */
  readonly cost?: number
}

/** The change of the stored bytes until now. */
export interface UsageGrowth {
  readonly bytes: number
  /** the day that it is compared with, and how many days ago that is */
  readonly from: string
  readonly days: number
  /**
   * `history`: the recorded bytes of that day; `pushTimes`: the bytes that only manifests pushed
   * since then have, and deletes are not known
   */
  readonly source: 'history' | 'pushTimes'
}

/** Images without a pull for the age of `--not-pulled`. */
export interface UnpulledImages {
  readonly images: number
  /** of blobs that no other tagged image has, in any repository of the registry */
  readonly bytes: number
  /** those of the images that are kept, by the reason */
  readonly kept: { readonly inUse: number; readonly protection: number; readonly hold: number }
  /** images whose last pull is unknown; they do not count as unpulled */
  readonly unknown: number
}

/** The deletes of a prune with the policy. */
export interface WouldFree {
  /** bytes that nothing has which remains in the repositories of the run */
  readonly bytes: number
  /** digests with an image tag, and superseded or untagged ones that a rule selects */
  readonly images: number
  readonly manifests: number
  /** a limit or an unreadable source refuses this repository, and a prune deletes nothing in it */
  readonly refused?: ErrorInfo
}

/** A repository that could not be read. */
export interface UnreachableUsage {
  readonly repository: RepositoryName
  readonly image: string
  readonly error: ErrorInfo
}

/** Of all repositories that were read. A blob that several repositories have counts once. */
export interface UsageTotals extends Pick<RepositoryUsage, 'images' | 'tags' | 'manifests' | 'sumOfImages'> {
  readonly repositories: number
  /** those that could not be read */
  readonly unreachable: number
  /** `untagged` is unknown if it is unknown in one repository */
  readonly bytes: StoredBytes
  readonly growth: UsageGrowth | Unknown
  readonly notPulled?: UnpulledImages | Unknown
  readonly wouldFree?: WouldFree
  /** of the registries that have a price */
  readonly cost?: number
  /** images and layers that the report could have; the limit cuts the lists */
  readonly rows?: number
}

/** An image, which is a digest with a tag that is not of an attached artifact. */
export interface ImageUsage {
  readonly repository: RepositoryName
  /** as in `RepositoryUsage` */
  readonly image: string
  readonly digest: Digest
  readonly tags: readonly string[]
  /** the parts of its content; `untagged` is absent, because a tag has all of it */
  readonly bytes: Omit<StoredBytes, 'untagged' | 'stored'>
  /** all of its content, with children and attached artifacts */
  readonly size: number
  readonly pushedAt?: string
  /** a time, `never` or `unknown`; absent without pull times */
  readonly lastPulledAt?: string
  /** the user agent of that pull, if the vendor gives it */
  readonly lastPulledBy?: string
  /** whole days since the last pull, or since the push of an image that was never pulled */
  readonly unpulledDays?: number
  /** with `--policy` */
  readonly verdict?: Verdict
  /** with `--policy`, the reason of the verdict; with `--not-pulled`, why the image is kept */
  readonly why?: Why
}

/** A blob of images: a layer or a config. */
export interface LayerUsage {
  readonly registry: string
  readonly digest: Digest
  readonly size: number
  /** the copies that the registry stores: more than one with `dedupe: repository` */
  readonly copies: number
  readonly repositories: number
  readonly images: number
  /** the first of these images: `@dev/api:1.4.2` */
  readonly sharedBy: readonly string[]
}

export interface PullTimes {
  /** names of the vendors that have them, such as `Harbor` */
  readonly sources: readonly string[]
  /** the last pulls of tagged images, newest first; a blob counts at its newest pull */
  readonly buckets: readonly PullBucket[]
  /** images of registries or inventories without a pull time */
  readonly unknown: { readonly images: number; readonly bytes: number }
}

/** Tagged images whose last pull, or push without a pull, was at least `fromDays` days ago. */
export interface PullBucket {
  readonly fromDays: number
  /** exclusive; absent: without an end */
  readonly toDays?: number
  readonly images: number
  readonly bytes: number
}

/**
 * Stored bytes over time. Each point has the bytes of each series: its last recorded ones until
 * that day, or null before its first record.
 */
export interface UsageHistory {
  /** the largest repositories by their short names; the last one can be `others` */
  readonly series: readonly string[]
  /** in the order of days; days without a record are missing */
  readonly points: readonly { readonly day: string; readonly bytes: readonly (number | null)[] }[]
}
