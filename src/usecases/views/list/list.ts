import type { Call } from '../../../lib/call.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { sortBySemver } from '../../../semver/order.ts'
import type { VersionReading } from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { Inventories, InventoryKind } from '../../../images/inventory/inventory.ts'
import {
  type VendorTag,
  type VendorTags,
  readVendorTags,
  withVendorTags,
} from '../../../images/inventory/vendor-tags.ts'
import type { ManifestReader, Repositories, SourceRepository } from '../../../images/ports.ts'
import { findNewerImages, type Scan } from './newer-than.ts'
import { UnreachableRegistries } from '../reach.ts'
import { type ImageSummary, Summaries, emptySummary } from './summary.ts'
import { matchesName, type TagFilter } from './tag-filter.ts'

/** Tags that are read in parallel. */
const tagsAtOnce = 16
/**
 * Up to this many tags are resolved through the OCI API: a vendor's list has pages of 100 tags,
 * lists all of them, and can be late.
 */
const fewTags = 100

export interface ListOptions {
  /** the number of tags to show; undefined: all */
  readonly limit: number | undefined
  /** also show tags of evidence */
  readonly evidenceTags: boolean
  /** read only the list and send one HEAD for each shown tag */
  readonly brief: boolean
  /** show when tags were pushed and pulled */
  readonly times?: boolean
  readonly filter: TagFilter
  /** how the tags of a repository are read as versions */
  readonly readingOf: (repository: RepositoryName) => VersionReading
  /** milliseconds since 1970: an image with a later time is undated */
  readonly now: number
  /** the inventories of registries; absent: only the OCI API is used */
  readonly inventory?: Inventories['inventory']
}

/** An image as a list names it: a vendor's list may lack the media type and the size. */
type ListedImage = Pick<Descriptor, 'digest'> & Partial<Descriptor>

/** A shown tag; its summary is absent if `brief`, and null if the tag no longer exists. */
export interface TagView extends Partial<ImageSummary> {
  readonly tag: string
  /** null: the tag was deleted after it was listed */
  readonly image: ListedImage | null
  /** ISO 8601, UTC; the next two only if the vendor's list was read and knows them */
  readonly pushedAt?: string
  readonly pulledAt?: string
}

/** The tags of a repository. */
export interface RepositoryView {
  readonly repository: RepositoryName
  /** the highest first */
  readonly tags: readonly TagView[]
  /** the vendor's list that digests and times are from; absent: the OCI API */
  readonly inventory?: InventoryKind
  /** the number of tags whose names match, shown or not, without hidden tags of evidence */
  readonly total: number
  readonly evidenceTagsHidden: number
  /** the number of tags that dray read if images were selected by their age */
  readonly scan?: Omit<Scan, 'tags'>
}

/** A repository that could not be read. */
export interface UnreadRepository {
  readonly repository: RepositoryName
  readonly error: ErrorInfo
}

/**
 * Lists the repositories of one image. If there are several, the failure of one does not affect the
 * others. @throws `interrupted`; what the store throws if there is only one.
 */
export async function listRepositories(
  stores: Repositories,
  repositories: readonly RepositoryName[],
  options: ListOptions,
  call: Call,
): Promise<readonly (RepositoryView | UnreadRepository)[]> {
  const reach = new UnreachableRegistries()
  return await inParallel(repositories, repositories.length, call, async (repository, c) => {
    const list = (): Promise<RepositoryView> => listRepository(stores.source(repository), options, c)
    if (repositories.length === 1) return await list()
    const { value, error } = await reach.read(repository, c, list)
    return value ?? { repository, error }
  })
}

/**
 * Lists the tags of a repository, and reads the images of those that are shown. Reads images of
 * other tags only to select by age. @throws `not-found`, and what the store throws.
 */
export async function listRepository(
  store: SourceRepository,
  options: ListOptions,
  call: Call,
): Promise<RepositoryView> {
  const { limit, filter, brief, now } = options
  const reading = options.readingOf(store.repository)
  const listed = await readFromVendor(store.repository, options, call)
  const all = await listNames(store, listed, options, call)
  const fitting = [...all].filter((tag) => matchesName(tag, filter, reading))
  const names = options.evidenceTags ? fitting : fitting.filter((tag) => !isEvidenceTag(tag))
  const ordered = sortBySemver(names, reading)
  const summaries = new Summaries(store, all)
  const reader = listed === undefined ? store : withVendorTags(store, listed)
  const scan =
    filter.since === undefined
      ? undefined
      : await findNewerImages(reader, summaries, ordered, { since: filter.since, limit, now }, call)
  const shown: readonly Shown[] = scan?.tags ?? ordered.slice(0, limit)
  const tags = await inParallel(shown, tagsAtOnce, call, async (one, c) => {
    const name = typeof one === 'string' ? one : one.tag
    const known = listed?.tags.get(name)
    if (brief && known !== undefined) return viewOfListed(name, known)
    return { ...(await viewOf(reader, one, brief ? undefined : summaries, c)), ...timesOf(known) }
  })
  return {
    repository: store.repository,
    ...(listed !== undefined && { inventory: listed.kind }),
    tags,
    total: names.length,
    evidenceTagsHidden: fitting.length - names.length,
    ...(scan !== undefined && { scan: { read: scan.read, undated: scan.undated, unread: scan.unread } }),
  }
}

/**
 * Reads the vendor's list if it saves requests, or if times are wanted. Without it, a registry
 * answers a request for each tag.
 */
async function readFromVendor(
  repository: RepositoryName,
  { limit = Infinity, times = false, inventory }: ListOptions,
  call: Call,
): Promise<VendorTags | undefined> {
  if (!times && limit <= fewTags) return undefined
  const vendor = await inventory?.(repository.registry)
  if (vendor !== undefined) return await readVendorTags(vendor, repository, times, call)
  if (times)
    call.notify({
      kind: 'warning',
      text: `the push and pull times of ${repository.registry} are unknown: dray knows no API of its vendor. If it has one, set registries.${repository.registry}.kind in dray.yaml.`,
    })
  return undefined
}

/**
 * The names of all tags. A vendor's list may lack the tags of attached artifacts (Harbor): they are
 * from the OCI API unless the view needs none of them.
 */
async function listNames(
  store: SourceRepository,
  listed: VendorTags | undefined,
  { brief, evidenceTags }: ListOptions,
  call: Call,
): Promise<ReadonlySet<string>> {
  if (listed !== undefined && brief && !evidenceTags) return new Set(listed.tags.keys())
  const all = new Set<string>()
  for await (const tag of store.tags(call)) all.add(tag)
  return all
}

function viewOfListed(tag: string, listed: VendorTag): TagView {
  const { digest, mediaType } = listed
  return { tag, image: { digest, ...(mediaType !== undefined && { mediaType }) }, ...timesOf(listed) }
}

function timesOf(listed: VendorTag | undefined): Pick<TagView, 'pushedAt' | 'pulledAt'> {
  const { pushedAt, pulledAt } = listed ?? {}
  return {
    ...(pushedAt !== undefined && { pushedAt: new Date(pushedAt).toISOString() }),
    ...(pulledAt !== undefined && {
      pulledAt: pulledAt === 'never' ? pulledAt : new Date(pulledAt).toISOString(),
    }),
  }
}

/** A tag, with its image if that is known. */
type Shown = string | { readonly tag: string; readonly image: Descriptor | null }

async function viewOf(
  store: ManifestReader,
  shown: Shown,
  summaries: Summaries | undefined,
  call: Call,
): Promise<TagView> {
  const { tag, image } =
    typeof shown === 'string'
      ? { tag: shown, image: (await store.resolve({ tag: shown }, call)) ?? null }
      : shown
  if (summaries === undefined) return { tag, image }
  return { tag, image, ...(image === null ? emptySummary : await summaries.summary(image, call)) }
}
