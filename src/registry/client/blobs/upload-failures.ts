import { isDrayError } from '../../../lib/errors.ts'
import { type Purpose, isCorrupt } from '../errors.ts'

/**
 * Statuses by which registries refuse chunks. GHCR also answers 416 to a PATCH that is too large.
 */
const chunkRefusals: readonly number[] = [400, 405, 411, 413, 415, 501]

/**
 * Whether an error is the registry's answer to this upload. An error of the source has another
 * subject.
 */
export function isAnswered(error: unknown, { subject }: Purpose, statuses: readonly number[]): boolean {
  if (!isDrayError(error) || error.subject !== subject) return false
  return error.status !== undefined && statuses.includes(error.status)
}

/** Whether the registry no longer has the session: 404, or olareg's 400. */
export function isSessionLost(error: unknown, purpose: Purpose): boolean {
  if (isAnswered(error, purpose, [404])) return true
  return isAnswered(error, purpose, [400]) && hasCode(error, 'BLOB_UPLOAD_UNKNOWN')
}

/**
 * Whether the registry found the bytes wrong. olareg has no code of its own for another digest than
 * the announced one.
 */
export function isContentRefused(error: unknown, purpose: Purpose): boolean {
  return isAnswered(error, purpose, [400]) && hasCode(error, 'BLOB_UPLOAD_INVALID')
}

/** Whether a chunk was refused. 416 after the first chunk means that the offsets differ. */
export function isChunkRefused(error: unknown, purpose: Purpose, isFirst: boolean): boolean {
  if (isCorrupt(error) || isSessionLost(error, purpose)) return false
  return isAnswered(error, purpose, isFirst ? [...chunkRefusals, 416] : chunkRefusals)
}

function hasCode(error: unknown, code: string): boolean {
  return isDrayError(error) && error.registryCode === code
}
