import type { Call } from '../../../lib/call.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { sortBySemver } from '../../../semver/order.ts'
import type { VersionReading } from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader, Repositories, SourceRepository } from '../../../images/ports.ts'
import { findNewerImages, type Scan } from './newer-than.ts'
import { UnreachableRegistries } from '../reach.ts'
import { type ImageSummary, Summaries, emptySummary } from './summary.ts'
import { matchesName, type TagFilter } from './tag-filter.ts'

/** Tags that are read in parallel. */
const tagsAtOnce = 16

export interface ListOptions {
  /** the number of tags to show; undefined: all */
  readonly limit: number | undefined
  /** also show tags of evidence */
  readonly evidenceTags: boolean
  /** read only the list and send one HEAD for each shown tag */
  readonly brief: boolean
  readonly filter: TagFilter
  /** how the tags of a repository are read as versions */
  readonly readingOf: (repository: RepositoryName) => VersionReading
  /** milliseconds since 1970: an image with a later time is undated */
  readonly now: number
}

/** A shown tag; its summary is absent if `brief`, and null if the tag no longer exists. */
export interface TagView extends Partial<ImageSummary> {
  readonly tag: string
  /** null: the tag was deleted after it was listed */
  readonly image: Descriptor | null
}

/** The tags of a repository. */
export interface RepositoryView {
  readonly repository: RepositoryName
  /** the highest first */
  readonly tags: readonly TagView[]
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
  const all = new Set<string>()
  for await (const tag of store.tags(call)) all.add(tag)
  const fitting = [...all].filter((tag) => matchesName(tag, filter, reading))
  const names = options.evidenceTags ? fitting : fitting.filter((tag) => !isEvidenceTag(tag))
  const ordered = sortBySemver(names, reading)
  const summaries = new Summaries(store, all)
  const scan =
    filter.since === undefined
      ? undefined
      : await findNewerImages(store, summaries, ordered, { since: filter.since, limit, now }, call)
  const shown: readonly Shown[] = scan?.tags ?? ordered.slice(0, limit)
  const tags = await inParallel(shown, tagsAtOnce, call, (tag, c) =>
    viewOf(store, tag, brief ? undefined : summaries, c),
  )
  return {
    repository: store.repository,
    tags,
    total: names.length,
    evidenceTagsHidden: fitting.length - names.length,
    ...(scan !== undefined && { scan: { read: scan.read, undated: scan.undated, unread: scan.unread } }),
  }
}

/** A tag, with its image if that is known. */
type Shown = string | Pick<TagView, 'tag' | 'image'>

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
