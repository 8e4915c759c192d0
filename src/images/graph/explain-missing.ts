import type { Call } from '../../lib/call.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { findNearest } from '../../lib/nearest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatAt, type TagOrDigest } from '../../oci/reference.ts'
import type { Capabilities, ManifestReader, TagLister } from '../ports.ts'
import { explainDeleted } from './explain-deleted.ts'

/** How many tags are compared with one that does not exist, and how many of them are named. */
const maxTagsCompared = 5000
const tagsShown = 3

/** An image that does not exist. */
interface MissingImage {
  /** as in the argument; undefined: its reference */
  readonly image?: string
  readonly environment?: string
  readonly at: TagOrDigest
}

/**
 * The error for an image that does not exist. It names similar tags, because the tag may be
 * mistyped.
 */
export async function explainMissing(
  store: TagLister & ManifestReader & Capabilities,
  asked: MissingImage,
  call: Call,
): Promise<DrayError> {
  const { image, at, environment } = asked
  const inEnvironment = environment === undefined ? '' : ` in ${environment}`
  const found = await nearTags(store, at, call)
  const deleted = 'digest' in at ? await explainDeleted(store, at.digest, call) : undefined
  const where = formatAt(store.repository, at)
  return new DrayError('not-found', `${image ?? where} is not there${inEnvironment}`, {
    ...(image !== undefined && { subject: where }),
    ...(found.kind === 'noRepository' && { why: 'the registry does not know this repository' }),
    ...(deleted !== undefined && { why: deleted }),
    hint:
      found.kind === 'tags'
        ? found.hint
        : deleted === undefined
          ? 'Check the name, and whether this user may see the repository.'
          : 'Name an image that has a tag, or push this one again.',
  })
}

type NearTags =
  | { readonly kind: 'tags'; readonly hint: string }
  | { readonly kind: 'noRepository' | 'unknown' }

async function nearTags(store: TagLister, at: TagOrDigest, call: Call): Promise<NearTags> {
  if (!('tag' in at)) return { kind: 'unknown' }
  try {
    const tags: string[] = []
    for await (const page of store.tagPages(call)) {
      tags.push(...page.filter((tag) => !isEvidenceTag(tag)))
      if (tags.length > maxTagsCompared) break
    }
    return { kind: 'tags', hint: hintOf(at.tag, tags) }
  } catch (error) {
    call.signal.throwIfAborted()
    return { kind: toDrayError(error).code === 'not-found' ? 'noRepository' : 'unknown' }
  }
}

function hintOf(tag: string, tags: readonly string[]): string {
  if (tags.length === 0) return 'The repository has no tags.'
  const near = findNearest(tag, tags, tagsShown)
  if (near.length > 0) return `Did you mean ${near.join(' or ')}?`
  const shown = tags.slice(-tagsShown).join(', ')
  return tags.length > tagsShown ? `Some of its ${tags.length} tags: ${shown}` : `Its tags: ${shown}`
}
