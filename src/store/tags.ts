import type { Call } from '../call.ts'
import { isDrayError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { inParallel } from './parallel.ts'
import type { SourceStore } from './store.ts'

/** Tags that are asked for at once. */
const tagsAtOnce = 16

/**
 * The whole list of tags; undefined where the repository is not there, which docker-registry 2.8 says also of one without tags. @throws what the store
 * throws else.
 */
export async function findTags(store: SourceStore, call: Call): Promise<readonly string[] | undefined> {
  try {
    return await Array.fromAsync(store.tags(call))
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return undefined
    throw error
  }
}

/** The whole list of tags; none where the repository is not there. @throws what the store throws else. */
export async function listTags(store: SourceStore, call: Call): Promise<readonly string[]> {
  return (await findTags(store, call)) ?? []
}

/** What tags point at; null: it is not there. @throws what the store throws. */
export async function resolveTags(
  store: SourceStore,
  tags: readonly string[],
  call: Call,
): Promise<Map<string, Digest | null>> {
  const found = await inParallel(tags, tagsAtOnce, call, async (tag, c) => {
    const image = await store.resolve({ tag }, c)
    return [tag, image?.digest ?? null] as const
  })
  return new Map(found)
}
