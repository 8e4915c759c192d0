import type { Call } from '../../lib/call.ts'
import { type DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import type { TagLister } from '../ports.ts'

/**
 * Some registries allow a user to pull but not to list (Amazon ECR: `ecr:ListImages`), some have no
 * list, and docker-registry 2.8 answers 404 for a repository without tags.
 */
const noListCodes: ReadonlySet<ErrorCode> = new Set(['not-found', 'unauthorized', 'forbidden', 'unsupported'])

/**
 * Returns whether an error means that there is no list of tags. Known tags may still be readable.
 */
export function isNoList(error: unknown): error is DrayError {
  return isDrayError(error) && noListCodes.has(error.code)
}

/** The tags of the pages that were read. */
export interface TagList {
  readonly tags: ReadonlySet<string>
  /** whether these are all tags */
  readonly isWhole: boolean
}

/**
 * Reads the list of tags to its end, or until `isEnough` returns true. `isEnough` is called after
 * each page with the number of pages and the tags so far. Returns undefined if there is no list.
 * @throws what the port throws.
 */
export async function listUntil(
  store: TagLister,
  isEnough: (pages: number, tags: ReadonlySet<string>) => boolean,
  call: Call,
): Promise<TagList | undefined> {
  const tags = new Set<string>()
  let pages = 0
  try {
    for await (const page of store.tagPages(call)) {
      pages += 1
      for (const tag of page) tags.add(tag)
      if (isEnough(pages, tags)) return { tags, isWhole: false }
    }
  } catch (error) {
    if (!isNoList(error)) throw error
    return undefined
  }
  return { tags, isWhole: true }
}
