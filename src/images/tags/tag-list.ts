import type { Call } from '../../lib/call.ts'
import { type DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import type { TagLister } from '../ports.ts'

/**
 * Some registries let a user pull and not list (Amazon ECR: `ecr:ListImages`), some have no list, and docker-registry 2.8 answers 404 where nothing
 * has a tag.
 */
const noList: ReadonlySet<ErrorCode> = new Set(['not-found', 'unauthorized', 'forbidden', 'unsupported'])

/** Whether a list of tags is not to be had, by an answer that says nothing of what stands under tags that are known. */
export function isNoList(error: unknown): error is DrayError {
  return isDrayError(error) && noList.has(error.code)
}

/** Tags as far as the list was read. */
export interface TagList {
  readonly tags: ReadonlySet<string>
  /** whether these are all */
  readonly isWhole: boolean
}

/**
 * Reads the list of tags to its end, or until `isEnough` says so of the pages and tags so far: it is asked after each page, also the last. Undefined where
 * there is no list to be had. @throws what the store throws.
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
