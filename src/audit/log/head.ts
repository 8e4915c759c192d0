import { DrayError, isDrayError } from '../../lib/errors.ts'
import { isRecord } from '../../oci/json.ts'
import { digestOf, isDigest } from '../../oci/digest.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import type { Position } from './chain.ts'

const schema = 'dray.audit-head/1'
const maxHeadSize = 4096

/**
 * The end of a log after the last write. It reveals a log that was cut, and saves reading all of
 * it.
 */
export interface Head extends Position {
  /** Every intent before this position has an outcome. */
  readonly settled: SettledPosition
}

export interface SettledPosition {
  /** number of the last settled line */
  readonly seq: number
  /** offset of the first byte after it */
  readonly offset: number
}

export function headPath(log: string): string {
  return `${log}.head`
}

/** Reads the head of a log. `damaged`: a power loss may be the cause. @throws `io`. */
export async function readHead(log: string): Promise<Head | 'missing' | 'damaged'> {
  const bytes = await readFileBounded(headPath(log), maxHeadSize).catch((error: unknown) => {
    if (isDrayError(error) && error.code === 'malformed') return null
    throw error
  })
  if (bytes === undefined) return 'missing'
  return bytes === null ? 'damaged' : (parseHead(bytes) ?? 'damaged')
}

/**
 * Reads the head of a log for a writer, which replaces it. @throws `audit` if the file is not a
 * head, whole or damaged: it belongs to another program; `io`, also for a symbolic link.
 */
export async function readOwnHead(log: string): Promise<Head | 'missing' | 'damaged'> {
  const bytes = await readFileBounded(headPath(log), maxHeadSize, { followLinks: false }).catch(
    (error: unknown) => {
      if (isDrayError(error) && error.code === 'malformed') throw foreignFile(headPath(log))
      throw error
    },
  )
  if (bytes === undefined) return 'missing'
  const head = parseHead(bytes)
  if (head === undefined && !isDamagedHead(bytes)) throw foreignFile(headPath(log))
  return head ?? 'damaged'
}

/** The error for a file that dray would replace but did not write. */
export function foreignFile(path: string): DrayError {
  return new DrayError('audit', `cannot write the audit log: dray did not write ${path}`, {
    subject: path,
    why: 'dray stores the head of the log in a file of this name, and the existing file has other content',
    hint: 'Name another audit log with --audit-file, or rename this file. dray did not change it.',
  })
}

/** Power loss leaves an empty file, zero bytes, or a head with some wrong bytes. */
function isDamagedHead(bytes: Uint8Array): boolean {
  const start = Buffer.from(`{"schema":"${schema}",`)
  const length = Math.min(bytes.byteLength, start.byteLength)
  return bytes.every((byte) => byte === 0) || start.subarray(0, length).equals(bytes.subarray(0, length))
}

/**
 * Replaces the head after the log is on disk. It is not synced: after power loss it is behind the
 * log or damaged, never ahead. @throws `io`.
 */
export async function writeHead(log: string, head: Head): Promise<void> {
  await writeFileAtomic(headPath(log), formatHead(head), { mode: 0o600, sync: false })
}

export function formatHead({ seq, hash, size, settled }: Head): string {
  const fields = { schema, seq, hash, size, settled: { seq: settled.seq, offset: settled.offset } }
  return `${JSON.stringify({ ...fields, check: digestOf(canonicalJson(fields)) })}\n`
}

/**
 * `check` is a hash of the other fields. It separates a damaged head, after which the log is
 * trusted, from a log that was changed.
 */
function parseHead(bytes: Uint8Array): Head | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { check, ...fields } = value
  if (fields['schema'] !== schema || check !== digestOf(canonicalJson(fields))) return undefined
  const { seq, hash, size, settled } = fields
  const isWhole =
    isCount(seq) && isCount(size) && typeof hash === 'string' && isDigest(hash) && isRecord(settled)
  if (!isWhole || !isCount(settled['seq']) || !isCount(settled['offset'])) return undefined
  if (settled['seq'] > seq || settled['offset'] > size) return undefined
  return { seq, hash, size, settled: { seq: settled['seq'], offset: settled['offset'] } }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
