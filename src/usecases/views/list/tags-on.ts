import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { TagOrDigest } from '../../../oci/reference.ts'
import { sortBySemver } from '../../../semver/order.ts'
import type { VersionReading } from '../../../semver/version.ts'
import { inParallel } from '../../../images/parallel.ts'
import type { ManifestReader, TagLister } from '../../../images/ports.ts'
import { selectImageTags } from '../image-tags.ts'
import { listUntil, type TagList } from '../../../images/tags/tag-list.ts'

/** Tags that are resolved in parallel. */
const tagsAtOnce = 16
/** Up to this many tags of images are resolved unless the user asks for all. */
const fewTags = 100
/** The length at which dray stops reading a list with many tags of images: about one page. */
const longList = 1000

/** Which tags are resolved to find those on an image. */
export type TagSearch = 'all' | 'few' | 'none'

export interface ListedTags {
  readonly wanted: TagSearch
  /** undefined if there is no list, or none was requested */
  readonly list: TagList | undefined
}

/** The tags on an image, or why dray did not resolve them; neither if they were not requested. */
export interface TagsOnImage {
  /** the highest first */
  readonly tags?: readonly string[]
  readonly omittedTags?:
    | { readonly why: 'unreadable' }
    /** `count` tags without those of evidence, of which there may be more */
    | { readonly why: 'many'; readonly count: number; readonly isWhole: boolean }
}

/** Lists tags as far as they are needed. @throws if all are requested and there is no list. */
export async function readTagList(store: TagLister, wanted: TagSearch, call: Call): Promise<ListedTags> {
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

/** Resolves the listed tags except the one in `at`, and warns if there is no list. */
export async function resolveTagsOn(
  store: ManifestReader,
  image: Digest,
  at: TagOrDigest,
  { wanted, list }: ListedTags,
  reading: VersionReading,
  call: Call,
): Promise<TagsOnImage> {
  if (wanted === 'none') return {}
  if (list === undefined) {
    call.notify({
      kind: 'warning',
      text: 'cannot list the tags of the repository, so the tags of the image are unknown',
    })
    return { omittedTags: { why: 'unreadable' } }
  }
  const names = wanted === 'all' ? [...list.tags] : selectImageTags(list.tags)
  if (wanted === 'few' && (names.length > fewTags || !list.isWhole)) {
    return { omittedTags: { why: 'many', count: names.length, isWhole: list.isWhole } }
  }
  const requested = 'tag' in at ? [at.tag] : []
  const others = names.filter((tag) => !requested.includes(tag))
  const found = await inParallel(others, tagsAtOnce, call, async (tag, c) => {
    const resolved = await store.resolve({ tag }, c)
    return resolved?.digest === image ? [tag] : []
  })
  return { tags: sortBySemver([...requested, ...found.flat()], reading) }
}

function isTooMany(tags: ReadonlySet<string>): boolean {
  return tags.size >= longList && selectImageTags(tags).length > fewTags
}
