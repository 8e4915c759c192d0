import type { Call } from '../../lib/call.ts'
import { DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { inParallel } from '../parallel.ts'
import type { Capabilities, InvalidTags, ManifestReader, TagLister } from '../ports.ts'

/** Tags that are resolved at once. */
const tagsAtOnce = 16
/** Tags that are resolved before the search for the first match can stop. */
const tagsBeforeStop = 8

/** How often a list and tags are read until the list has the tags. */
const maxReads = 3

/**
 * Returns all tags, or undefined if the repository is absent. docker-registry 2.8 also answers 404
 * for a repository without tags. @throws what the port throws.
 */
export async function findTags(
  store: TagLister,
  call: Call,
  invalid: InvalidTags = 'skip',
): Promise<readonly string[] | undefined> {
  try {
    return await Array.fromAsync(store.tags(call, invalid))
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return undefined
    throw error
  }
}

/** Returns all tags, and none if the repository is absent. @throws what the port throws. */
export async function listTags(
  store: TagLister,
  call: Call,
  invalid: InvalidTags = 'skip',
): Promise<readonly string[]> {
  return (await findTags(store, call, invalid)) ?? []
}

/** Returns the digest of each tag, and null if the tag is absent. @throws what the port throws. */
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

/**
 * Returns the digest of each tag that may be written, and null if the tag is absent. Some
 * registries answer 404 to HEAD of a manifest that GET returns. So a tag that must not move is read
 * by GET unless the list has it, which is one request as well. If a GET counts as a pull, it
 * is read by HEAD.
 * @param listed the tags in the list of the repository, if it was read
 * @param mayBeImmutable whether a tag must not be overwritten: a version tag or an immutable tag
 * @throws what the port throws.
 */
export async function resolveTagsToWrite(
  store: ManifestReader & Capabilities,
  tags: readonly string[],
  listed: ReadonlySet<string>,
  mayBeImmutable: (tag: string) => boolean,
  call: Call,
): Promise<Map<string, Digest | null>> {
  const isGetCounted = store.capability('freeReads') === 'no'
  const found = await inParallel(tags, tagsAtOnce, call, async (tag, c) => {
    const digest =
      isGetCounted || listed.has(tag) || !mayBeImmutable(tag)
        ? ((await store.resolve({ tag }, c))?.digest ?? null)
        : await readTag(store, tag, c)
    return [tag, digest] as const
  })
  return new Map(found)
}

/**
 * Returns the digest of a tag by GET, and null if the tag is absent. HEAD names the digest of
 * content that dray does not read. @throws what the port throws.
 */
export async function readTag(store: ManifestReader, tag: string, call: Call): Promise<Digest | null> {
  try {
    return (await store.findManifest({ tag }, call))?.descriptor.digest ?? null
  } catch (error) {
    if (!isDrayError(error) || !unreadable.has(error.code)) throw error
    const found = await store.resolve({ tag }, call)
    if (found === undefined) throw error
    return found.digest
  }
}

const unreadable: ReadonlySet<ErrorCode> = new Set(['corrupt', 'malformed', 'unsupported'])

/**
 * Returns the tags that resolve to the digest, in the given order.
 * @throws what the port throws.
 */
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

/**
 * Returns the first tag whose digest matches. Tags are resolved a few at a time in their order.
 * @throws what the port throws.
 */
export async function findFirstTag(
  store: ManifestReader,
  tags: readonly string[],
  isMatch: (digest: Digest) => boolean,
  call: Call,
): Promise<string | undefined> {
  for (let at = 0; at < tags.length; at += tagsBeforeStop) {
    const some = tags.slice(at, at + tagsBeforeStop)
    const found = await resolveTags(store, some, call)
    const first = some.find((tag) => {
      const digest = found.get(tag) ?? null
      return digest !== null && isMatch(digest)
    })
    if (first !== undefined) return first
  }
  return undefined
}

/**
 * Reads a list and tags again if the list lacks a tag that resolves: another run may have put it
 * between both readings.
 * @param read is called with true if it has to read again
 * @throws what `read` throws the last time.
 */
export async function readUntilWhole<T>(read: (isAgain: boolean) => Promise<T>): Promise<T> {
  for (let reads = 1; ; reads++) {
    try {
      return await read(reads > 1)
    } catch (error) {
      if (reads === maxReads || !isDrayError(error) || error.code !== 'conflict') throw error
    }
  }
}

/**
 * Checks that a list contains the tags that resolve. An incomplete list does not show the highest
 * version. docker-registry answers 404 for a repository without tags, so a registry that always
 * answers 404 would let every floating tag move back.
 * @throws `conflict`.
 */
export function checkIsWhole(
  repository: RepositoryName,
  listed: readonly string[],
  resolved: Iterable<readonly [tag: string, digest: Digest | null]>,
): void {
  const inList = new Set(listed)
  const missing = [...resolved].flatMap(([tag, digest]) => (digest === null || inList.has(tag) ? [] : [tag]))
  if (missing.length === 0) return
  throw new DrayError('conflict', `the list of tags is incomplete: it lacks ${missing.join(', ')}`, {
    subject: formatRepository(repository),
    why: 'dray cannot determine the highest version from an incomplete list',
    hint: 'If another client just wrote a tag, run the command again. Otherwise name the tags to write: --tags (dray tag) or --tag (dray promote).',
  })
}
