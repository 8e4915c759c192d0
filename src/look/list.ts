import type { Call } from '../call.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { isEvidenceTag } from '../oci/evidence-tags.ts'
import type { RepositoryName } from '../oci/reference.ts'
import { inSemverOrder } from '../semver/order.ts'
import { plainReading } from '../semver/version.ts'
import { inParallel } from '../store/parallel.ts'
import type { SourceStore } from '../store/store.ts'

/** Digests that are asked for at once. */
const looksAtOnce = 16

export interface ListOptions {
  /** how many tags are shown; undefined: all */
  readonly limit: number | undefined
  /** show the tags too under which evidence stands */
  readonly evidenceTags: boolean
}

interface TagView {
  readonly tag: string
  /** null: it was listed, and gone when it was asked for */
  readonly image: Descriptor | null
}

/** The tags of a repository. */
export interface RepositoryView {
  readonly repository: RepositoryName
  /** the highest first */
  readonly tags: readonly TagView[]
  /** how many there are with those that are not shown for the limit, without evidence tags that are hidden */
  readonly total: number
  readonly evidenceTagsHidden: number
}

/** Lists a repository's tags and what those that are shown point at. @throws `not-found`, and what the store throws. */
export async function listRepository(
  store: SourceStore,
  options: ListOptions,
  call: Call,
): Promise<RepositoryView> {
  const names: string[] = []
  let evidenceTagsHidden = 0
  for await (const tag of store.tags(call)) {
    if (options.evidenceTags || !isEvidenceTag(tag)) names.push(tag)
    else evidenceTagsHidden += 1
  }
  const shown = inSemverOrder(names, plainReading).slice(0, options.limit)
  const tags = await inParallel(shown, looksAtOnce, call, async (tag, c) => ({
    tag,
    image: (await store.resolve({ tag }, c)) ?? null,
  }))
  return { repository: store.repository, tags, total: names.length, evidenceTagsHidden }
}
