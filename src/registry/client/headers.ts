import { DrayError } from '../../lib/errors.ts'
import { type Digest, parseDigest } from '../../oci/digest.ts'
import type { RegistryResponse } from '../http/fetch.ts'
import type { Purpose, Redaction } from './errors.ts'

/**
 * Parses `Docker-Content-Digest`; undefined if it is absent. @throws `protocol` if it is no digest.
 */
export function contentDigest(
  response: RegistryResponse,
  purpose: Purpose,
  redaction: Redaction,
): Digest | undefined {
  const text = response.headers.get('docker-content-digest')
  if (text === undefined || text === '') return undefined
  try {
    return parseDigest(text.trim())
  } catch {
    throw new DrayError(
      'protocol',
      `cannot ${purpose.doing}: the Docker-Content-Digest of the registry is not a digest`,
      {
        subject: purpose.subject,
        why: redaction.redact(text).slice(0, 200),
      },
    )
  }
}

/** Parses `Content-Length`, in bytes; undefined if it is absent or no number. */
export function contentLength(response: RegistryResponse): number | undefined {
  const text = response.headers.get('content-length')
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** Explains a wrong length: a proxy that compresses in spite of `Accept-Encoding: identity`. */
export function compressionNote(response: RegistryResponse): string {
  const encoding = response.headers.get('content-encoding') ?? 'identity'
  return encoding === 'identity'
    ? ''
    : `, compressed with ${encoding.slice(0, 50)}, which dray did not request`
}

/**
 * Parses `Content-Range: bytes FIRST-LAST/SIZE` (RFC 9110, section 14.4); undefined for other text.
 */
export function contentRange(
  response: RegistryResponse,
): { readonly first: number; readonly last: number; readonly size: number | undefined } | undefined {
  const text = response.headers.get('content-range') ?? ''
  const [, first, last, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(text.trim()) ?? []
  if (first === undefined || last === undefined || size === undefined) return undefined
  return { first: Number(first), last: Number(last), size: size === '*' ? undefined : Number(size) }
}
