import type { Call } from '../call.ts'
import { isDrayError } from '../errors.ts'
import type { SourceStore } from '../store/store.ts'

/** The tags of a repository that are to be kept, in the registry's order; undefined where the repository is not there. @throws what the store throws. */
export async function tagsOfRepository(
  store: SourceStore,
  keep: (tag: string) => boolean,
  call: Call,
): Promise<readonly string[] | undefined> {
  const tags: string[] = []
  try {
    for await (const tag of store.tags(call)) if (keep(tag)) tags.push(tag)
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return undefined
    throw error
  }
  return tags
}
