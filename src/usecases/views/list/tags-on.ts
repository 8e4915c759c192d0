import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import type { TagOrDigest } from '../../../oci/reference.ts'
import { inSemverOrder } from '../../../semver/order.ts'
import { plainReading } from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader, TagLister } from '../../../images/ports.ts'
import { listUntil, type TagList } from '../../../images/tags/tag-list.ts'

/** Tags that are looked at at once. */
const looksAtOnce = 16
/** So many tags, without those of evidence, are looked at without being asked to. */
const fewTags = 100
/** A list that is this long and has more than a few tags is not read to its end: one page of most registries. */
const longList = 1000

/** Which tags are looked at to find those on an image. */
export type TagsWanted = 'all' | 'few' | 'none'

export interface ListedTags {
  readonly wanted: TagsWanted
  /** undefined where there is no list, or none was wanted */
  readonly list: TagList | undefined
}

/** Tags on an image, or why they were not looked for; neither where they were not wanted. */
export interface TagsOnImage {
  /** the highest first */
  readonly tags?: readonly string[]
  readonly tagsLeftOut?:
    | { readonly why: 'unreadable' }
    /** `count` tags without those of evidence, of which there may be more */
    | { readonly why: 'many'; readonly count: number; readonly isWhole: boolean }
}

/** Reads the list of tags as far as it is needed. @throws what the store throws; where all are wanted, also where there is no list. */
export async function readTagList(store: TagLister, wanted: TagsWanted, call: Call): Promise<ListedTags> {
  switch (wanted) {
    case 'none':
      return { wanted, list: undefined }
    case 'few':
      return { wanted, list: await listUntil(store, (_, tags) => isTooMany(tags), call) }
    case 'all': {
      const tags = new Set<string>()
      for await (const tag of store.tags(call)) tags.add(tag)
      return { wanted, list: { tags, isWhole: true } }
    }
  }
}

/** Asks what each tag is on, but for the one by which the image was asked for. Tells where there is no list. @throws what the store throws. */
export async function tagsOn(
  store: ManifestReader,
  image: Digest,
  at: TagOrDigest,
  { wanted, list }: ListedTags,
  call: Call,
): Promise<TagsOnImage> {
  if (wanted === 'none') return {}
  if (list === undefined) {
    call.notify({ kind: 'warning', text: 'the tags cannot be listed: which are on the image is not known' })
    return { tagsLeftOut: { why: 'unreadable' } }
  }
  const names = wanted === 'all' ? [...list.tags] : withoutEvidence(list.tags)
  if (wanted === 'few' && (names.length > fewTags || !list.isWhole)) {
    return { tagsLeftOut: { why: 'many', count: names.length, isWhole: list.isWhole } }
  }
  const asked = 'tag' in at ? [at.tag] : []
  const others = names.filter((tag) => !asked.includes(tag))
  const found = await inParallel(others, looksAtOnce, call, async (tag, c) => {
    const there = await store.resolve({ tag }, c)
    return there?.digest === image ? [tag] : []
  })
  return { tags: inSemverOrder([...asked, ...found.flat()], plainReading) }
}

function isTooMany(tags: ReadonlySet<string>): boolean {
  return tags.size >= longList && withoutEvidence(tags).length > fewTags
}

function withoutEvidence(tags: ReadonlySet<string>): readonly string[] {
  return [...tags].filter((tag) => !isEvidenceTag(tag))
}
