import type { Call } from '../../lib/call.ts'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import { formatAt, formatRepository, type TagOrDigest } from '../../oci/reference.ts'
import type { Capabilities, ManifestReader, TagLister } from '../ports.ts'
import { explainDeleted } from './explain-deleted.ts'

/** How many tags are read to compare them with one that does not exist. */
const maxTagsCompared = 5000

/** An image that does not exist. */
interface MissingImage {
  /** as in the argument; undefined: its reference */
  readonly image?: string
  readonly environment?: string
  readonly at: TagOrDigest
}

/** Suggests tags of a list instead of one that does not exist. */
export type SuggestTags = (tag: string, tags: readonly string[]) => string

/**
 * The error for an image that does not exist. It suggests tags, because the tag may be mistyped.
 * Only this error reads their list.
 */
export async function explainMissing(
  store: TagLister & ManifestReader & Capabilities,
  asked: MissingImage,
  suggest: SuggestTags,
  call: Call,
): Promise<DrayError> {
  const { image, at, environment } = asked
  const inEnvironment = environment === undefined ? '' : ` in ${environment}`
  const found = await findTagHint(store, at, suggest, call)
  const deleted = 'digest' in at ? await explainDeleted(store, at.digest, call) : undefined
  const where = formatAt(store.repository, at)
  return new DrayError('not-found', `${image ?? where} does not exist${inEnvironment}`, {
    ...(image !== undefined && { subject: where }),
    ...(found.kind === 'noRepository' && {
      why: 'the registry answered that the repository does not exist',
    }),
    ...(deleted !== undefined && { why: deleted }),
    hint:
      found.kind === 'tags'
        ? found.hint
        : deleted === undefined
          ? 'Check the name. Check that this user has permission to read the repository.'
          : 'Name an image that has a tag, or push this image again.',
  })
}

type TagHint =
  | { readonly kind: 'tags'; readonly hint: string }
  | { readonly kind: 'noRepository' | 'unknown' }

async function findTagHint(
  store: TagLister,
  at: TagOrDigest,
  suggest: SuggestTags,
  call: Call,
): Promise<TagHint> {
  if (!('tag' in at)) return { kind: 'unknown' }
  try {
    const tags = await listTagsToSuggest(store, call)
    return { kind: 'tags', hint: tags === undefined ? listThem(store) : suggest(at.tag, tags) }
  } catch (error) {
    call.signal.throwIfAborted()
    return { kind: toDrayError(error).code === 'not-found' ? 'noRepository' : 'unknown' }
  }
}

/**
 * Returns the tags of images in a repository, for suggestions. Undefined if there are so many that
 * an error must not read them all: of an incomplete list, the highest version is unknown. Does not
 * retry or wait, because a suggestion must not delay an error.
 * @throws what the port throws; `unavailable` instead of a retry.
 */
export async function listTagsToSuggest(
  store: Pick<TagLister, 'tagPages'>,
  call: Call,
): Promise<readonly string[] | undefined> {
  const tags: string[] = []
  const stop = new AbortController()
  const once: Call = {
    signal: AbortSignal.any([call.signal, stop.signal]),
    notify: (event) => {
      if (event.kind === 'retry' || event.kind === 'wait')
        stop.abort(new DrayError('unavailable', 'the registry does not list the tags'))
      else call.notify(event)
    },
  }
  for await (const page of store.tagPages(once)) {
    tags.push(...page.filter((tag) => !isEvidenceTag(tag)))
    if (tags.length > maxTagsCompared) return undefined
  }
  return tags
}

function listThem({ repository }: TagLister): string {
  return `Check the tag. "dray ls ${formatRepository(repository)}" lists the highest ones.`
}
