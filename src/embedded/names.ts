import { type Digest, parseDigest } from '../oci/digest.ts'
import { isTag } from '../oci/reference.ts'
import { isDrayError } from '../lib/errors.ts'
import { refusal } from './errors.ts'

/** @throws a refusal `DIGEST_INVALID`, also for an unsupported algorithm. */
export function digestFrom(text: string): Digest {
  try {
    return parseDigest(text)
  } catch (error) {
    throw refusal('DIGEST_INVALID', isDrayError(error) ? error.message : 'not a digest')
  }
}

/** Parses a tag or a digest; undefined for other text. @throws a refusal `DIGEST_INVALID`. */
export function tagOrDigestFrom(text: string): { tag: string } | { digest: Digest } | undefined {
  if (text.includes(':')) return { digest: digestFrom(text) }
  return isTag(text) ? { tag: text } : undefined
}
