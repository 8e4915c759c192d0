import type { Call } from '../../lib/call.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { inParallel } from '../parallel.ts'
import type { ManifestReader, TagLister } from '../ports.ts'

/** Tags that are asked for at once. */
const tagsAtOnce = 16
/** Tags that are asked for before it is seen whether one of them was it. */
const tagsBeforeStop = 8

/**
 * The whole list of tags; undefined where the repository is not there, which docker-registry 2.8 says also of one without tags. @throws what the store
 * throws else.
 */
export async function findTags(store: TagLister, call: Call): Promise<readonly string[] | undefined> {
  try {
    return await Array.fromAsync(store.tags(call))
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return undefined
    throw error
  }
}

/** The whole list of tags; none where the repository is not there. @throws what the store throws else. */
export async function listTags(store: TagLister, call: Call): Promise<readonly string[]> {
  return (await findTags(store, call)) ?? []
}

/** What tags point at; null: it is not there. @throws what the store throws. */
export async function resolveTags(
  store: ManifestReader,
  tags: readonly string[],
  call: Call,
): Promise<Map<string, Digest | null>> {
  const found = await inParallel(tags, tagsAtOnce, call, async (tag, c) => {
    const image = await store.resolve({ tag }, c)
    return [tag, image?.digest ?? null] as const
  })
  return new Map(found)
}

/** Those of the tags that are on a digest, in the order given; every one is asked for. @throws what the store throws. */
export async function tagsResolvingTo<T extends { readonly tag: string }>(
  store: ManifestReader,
  digest: Digest,
  tags: readonly T[],
  call: Call,
): Promise<readonly T[]> {
  const names = tags.map(({ tag }) => tag)
  const found = await resolveTags(store, names, call)
  return tags.filter(({ tag }) => found.get(tag) === digest)
}

/** The first of the tags that is on a digest that is meant; they are asked for a few at a time, in their order. @throws what the store throws. */
export async function findFirstTag(
  store: ManifestReader,
  tags: readonly string[],
  isMeant: (digest: Digest) => boolean,
  call: Call,
): Promise<string | undefined> {
  for (let at = 0; at < tags.length; at += tagsBeforeStop) {
    const some = tags.slice(at, at + tagsBeforeStop)
    const found = await resolveTags(store, some, call)
    const first = some.find((tag) => {
      const digest = found.get(tag) ?? null
      return digest !== null && isMeant(digest)
    })
    if (first !== undefined) return first
  }
  return undefined
}

/**
 * Checks a list of tags by tags that were seen: one that lacks some of them tells nothing of the highest version. docker-registry says 404 of a
 * repository without tags; one that says so of its lists altogether would let every floating tag move back.
 * @throws `conflict`.
 */
export function checkIsWhole(
  repository: RepositoryName,
  listed: readonly string[],
  seen: Iterable<readonly [tag: string, digest: Digest | null]>,
): void {
  const inList = new Set(listed)
  const missing = [...seen].flatMap(([tag, digest]) => (digest === null || inList.has(tag) ? [] : [tag]))
  if (missing.length === 0) return
  throw new DrayError('conflict', `the list of tags is not whole: it lacks ${missing.join(', ')}`, {
    subject: formatRepository(repository),
    why: 'whether a version is the highest cannot be told from such a list',
    hint: 'If a tag was put there just now, run again. Else the registry, or a cache before it, does not list its tags: name those to be written with --tags (dray tag) or --tag (dray promote).',
  })
}
