import type { Call } from '../../../lib/call.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { inSemverOrder } from '../../../semver/order.ts'
import { plainReading } from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader, Repositories, SourceRepository } from '../../../images/ports.ts'
import { newerThan, type Scan } from './newer-than.ts'
import { UnreachableRegistries } from '../reach.ts'
import { type ImageSummary, Summaries, unknownSummary } from './summary.ts'
import { fitsName, type TagFilter } from './tag-filter.ts'

/** Tags that are looked at at once. */
const looksAtOnce = 16

export interface ListOptions {
  /** how many tags are shown; undefined: all */
  readonly limit: number | undefined
  /** show the tags too under which evidence stands */
  readonly evidenceTags: boolean
  /** digests alone: the list and one HEAD for each tag that is shown */
  readonly brief: boolean
  readonly filter: TagFilter
  /** milliseconds since 1970: what was made later is undated */
  readonly now: number
}

/** A tag that is shown; the rest is absent where digests alone were asked for, and null for a tag that is gone. */
export interface TagView extends Partial<ImageSummary> {
  readonly tag: string
  /** null: it was listed, and gone when it was asked for */
  readonly image: Descriptor | null
}

/** The tags of a repository. */
export interface RepositoryView {
  readonly repository: RepositoryName
  /** the highest first */
  readonly tags: readonly TagView[]
  /** how many fit by their name, with those that are not shown for the limit, without evidence tags that are hidden */
  readonly total: number
  readonly evidenceTagsHidden: number
  /** where images were asked for by their age: how many were looked at for it, in the order of the tags */
  readonly scan?: Omit<Scan, 'tags'>
}

/** A repository that could not be read, beside others that could. */
export interface UnreadRepository {
  readonly repository: RepositoryName
  readonly error: ErrorInfo
}

/**
 * Lists the repositories of one image side by side: where there are several, one that cannot be read is no reason to show none.
 * @throws `interrupted`; what the store throws where there is one only.
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
 * Lists a repository's tags and what those that are shown point at. Asks for nothing of the others, unless images are chosen by their age.
 * @throws `not-found`, and what the store throws.
 */
export async function listRepository(
  store: SourceRepository,
  options: ListOptions,
  call: Call,
): Promise<RepositoryView> {
  const { limit, filter, brief, now } = options
  const all = new Set<string>()
  for await (const tag of store.tags(call)) all.add(tag)
  const fitting = [...all].filter((tag) => fitsName(tag, filter))
  const names = options.evidenceTags ? fitting : fitting.filter((tag) => !isEvidenceTag(tag))
  const ordered = inSemverOrder(names, plainReading)
  const summaries = new Summaries(store, all)
  const scan =
    filter.since === undefined
      ? undefined
      : await newerThan(store, summaries, ordered, { since: filter.since, limit, now }, call)
  const shown: readonly Shown[] = scan?.tags ?? ordered.slice(0, limit)
  const tags = await inParallel(shown, looksAtOnce, call, (tag, c) =>
    viewOf(store, tag, brief ? undefined : summaries, c),
  )
  return {
    repository: store.repository,
    tags,
    total: names.length,
    evidenceTagsHidden: fitting.length - names.length,
    ...(scan !== undefined && { scan: { looked: scan.looked, undated: scan.undated } }),
  }
}

/** A tag, with what it points at where that is known. */
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
  return { tag, image, ...(image === null ? unknownSummary : await summaries.summary(image, call)) }
}
