import type { Call } from '../call.ts'
import { DrayError, isDrayError } from '../errors.ts'
import { nearestFew } from '../nearest.ts'
import { isEvidenceTag } from '../oci/evidence-tags.ts'
import { formatAt, type TagOrDigest } from '../oci/reference.ts'
import type { SourceStore } from '../store/store.ts'

/** A mistyped tag is compared with the first so many. */
const maxTagsCompared = 5000

/** What to throw where an image is not there: with the nearest tags that are. @throws the signal's reason. */
export async function notThere(store: SourceStore, at: TagOrDigest, call: Call): Promise<DrayError> {
  const near = 'tag' in at ? await nearestTags(store, at.tag, call) : []
  const hint =
    near.length > 0
      ? `The nearest tags are ${near.join(', ')}.`
      : 'Check the name; "dray ls" lists the tags of a repository.'
  return new DrayError('not-found', `${formatAt(store.repository, at)} is not there`, { hint })
}

/** None where the tags cannot be listed: the image is not there in any case. */
async function nearestTags(store: SourceStore, tag: string, call: Call): Promise<readonly string[]> {
  try {
    const tags: string[] = []
    for await (const page of store.tagPages(call)) {
      tags.push(...page.filter((name) => !isEvidenceTag(name)))
      if (tags.length > maxTagsCompared) break
    }
    return nearestFew(tag, tags, 3)
  } catch (error) {
    call.signal.throwIfAborted()
    if (isDrayError(error)) return []
    throw error
  }
}
