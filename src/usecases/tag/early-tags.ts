import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { mayBeImmutable, tagsToRead } from '../../plan/decide-tags.ts'
import type { Repositories } from '../../images/ports.ts'
import { resolveTagsToWrite } from '../../images/tags/tags.ts'
import { selectTagsAt } from '../placing/requested-tags.ts'
import type { TagRequest } from './request.ts'
import { requestedTags } from './version.ts'

/** The digests of tags; null: there is no such tag. */
export type FoundTags = ReadonlyMap<string, Digest | null>

/**
 * Reads the tags that a request names, together with the image and the list: one round trip less. A
 * version that follows from the image or from the list is not known before they are read.
 * Never throws: without a result the tags are read after the list.
 */
export async function readEarlyTags(
  request: TagRequest,
  repository: RepositoryName,
  stores: Repositories,
  call: Call,
): Promise<FoundTags> {
  const { choice, immutable } = request
  if (choice.kind !== 'plain' && choice.kind !== 'version') return new Map()
  const none: ReadonlySet<string> = new Set()
  const names = tagsToRead(selectTagsAt(requestedTags({ request }), []), none)
  const isKept = (tag: string): boolean => mayBeImmutable(tag, immutable)
  try {
    return await resolveTagsToWrite(stores.target(repository), names, none, isKept, call)
  } catch {
    return new Map()
  }
}

/**
 * Returns the tags that have to be read after the list: those that were not read with it, and those
 * that only the list has, because another run has put them in between.
 */
export function tagsToReadLater(
  names: readonly string[],
  early: FoundTags,
  listed: ReadonlySet<string>,
): readonly string[] {
  return names.filter((tag) => {
    const digest = early.get(tag)
    return digest === undefined || (digest === null && listed.has(tag))
  })
}
