import type { FileHandle } from 'node:fs/promises'
import { rm } from 'node:fs/promises'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { isRecord } from '../../oci/json.ts'
import type { LogEnd } from '../query/follow-log.ts'
import { readLines } from '../query/read-log.ts'
import { parseEntry, type Position } from './chain.ts'
import { foreignFile } from './head.ts'
import type { RecoveredTail } from './record.ts'
import { findRecordProblem } from './record-problems.ts'
import { writerOf } from './stray-lines.ts'

/** A record of fewer bytes fits into a line as base64. */
const maxPartSize = 256 * 1024
/** More than the stray lines of one log as base64. */
const maxFileSize = 16 * 1024 * 1024
const newline = 0x0a

/**
 * Bytes behind the end of a chain: a torn line of a crash, or lines of a suspended run. Each line
 * becomes a `recovered` record, or several if it is long. A crash may interrupt that too, so these
 * steps run in this order, under the lock of the log:
 *
 * 1. Write and sync the bytes and their offset to `<log>.torn`.
 * 2. Truncate the log at that offset. After a crash before this step, the next write finds the
 * bytes in both places and begins here.
 * 3. Write and sync the `recovered` records as the first new lines. A crash can leave some of them,
 * and a torn line of the next one. The next write keeps no bytes of a torn `recovered` record and
 * writes those that are not in the log.
 * 4. Remove `<log>.torn`. After a crash before this step, the log has the records at the offset.
 * The next write removes the file and writes nothing.
 */
interface SavedTail {
  /** of their first byte in the log */
  readonly offset: number
  /** base64 */
  readonly torn: string
}

/** The bytes that one `recovered` record keeps. */
export type TailPart = Pick<RecoveredTail, 'torn' | 'writtenBy'>

/**
 * Saves the bytes behind `end`. Returns the bytes without a record, also those that an interrupted
 * recovery saved earlier. @throws `audit` if another program wrote the file of saved bytes; `io`,
 * also for a symbolic link.
 */
export async function keepTail(
  log: string,
  handle: FileHandle,
  { end, tail }: LogEnd,
): Promise<readonly TailPart[]> {
  const saved = await readSaved(log)
  const rest = saved === undefined ? undefined : await restOf(saved, handle, end)
  if (saved !== undefined && rest?.parts.length === 0) await removeTail(log)
  const earlier = rest?.parts ?? []
  if (tail.byteLength === 0) return earlier
  const isAtSavedTail = earlier.length > 0 && rest?.offset === end.size
  if (isAtSavedTail && isTornRecovery(tail)) return earlier
  const isInTail = isAtSavedTail && startsWith(tail, Buffer.from(saved?.torn ?? '', 'base64'))
  const lines = earlier.map(({ torn }) => Buffer.concat([Buffer.from(torn, 'base64'), Buffer.of(newline)]))
  const bytes = isInTail ? tail : Buffer.concat([...lines, tail])
  const value: SavedTail = { offset: end.size, torn: bytes.toString('base64') }
  await writeFileAtomic(tornPath(log), `${JSON.stringify(value)}\n`, { mode: 0o600 })
  return splitTail(bytes)
}

/** Call this when the records are on disk. If it fails, `keepTail` removes the file later. */
export async function removeTail(log: string): Promise<void> {
  await rm(tornPath(log), { force: true }).catch(() => undefined)
}

function tornPath(log: string): string {
  return `${log}.torn`
}

/** Bytes of a `recovered` record whose write was interrupted. */
function isTornRecovery(tail: Buffer): boolean {
  const text = tail.toString('latin1')
  return !text.includes('\n') && (!text.includes('"phase":"') || text.includes('"phase":"recovered"'))
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.subarray(0, start.byteLength).equals(start)
}

/** A record of each line; a long line has several. */
function splitTail(bytes: Buffer): readonly TailPart[] {
  const parts: TailPart[] = []
  for (let start = 0; start < bytes.byteLength;) {
    const lineEnd = bytes.indexOf(newline, start)
    const raw = bytes.subarray(start, lineEnd < 0 ? bytes.byteLength : lineEnd)
    const entry = lineEnd < 0 ? undefined : parseEntry({ raw, state: 'whole' })
    const isStray = entry !== undefined && findRecordProblem(entry) === undefined
    const writer = isStray ? { writtenBy: writerOf(entry) } : {}
    for (let at = 0; at < raw.byteLength; at += maxPartSize) {
      parts.push({
        torn: raw.toString('base64', at, Math.min(at + maxPartSize, raw.byteLength)),
        ...writer,
      })
    }
    start += raw.byteLength + 1
  }
  return parts
}

async function readSaved(log: string): Promise<SavedTail | undefined> {
  const bytes = await readFileBounded(tornPath(log), maxFileSize, { followLinks: false })
  if (bytes === undefined) return undefined
  const saved = parseSaved(bytes)
  if (saved === undefined) throw foreignFile(tornPath(log))
  return saved
}

function parseSaved(bytes: Uint8Array): SavedTail | undefined {
  try {
    const text = Buffer.from(bytes).toString()
    const value: unknown = JSON.parse(text)
    if (!isRecord(value) || typeof value['torn'] !== 'string') return undefined
    const { offset, torn } = value
    if (!Number.isSafeInteger(offset) || (offset as number) < 0) return undefined
    const saved = { offset: offset as number, torn }
    return text.trimEnd() === JSON.stringify(saved) ? saved : undefined
  } catch {
    return undefined
  }
}

/** The parts without a record in the log, and the offset after the records of the others. */
async function restOf(
  { offset, torn }: SavedTail,
  handle: FileHandle,
  end: Position,
): Promise<{ readonly parts: readonly TailPart[]; readonly offset: number }> {
  const parts = splitTail(Buffer.from(torn, 'base64'))
  let recorded = 0
  let next = offset
  for await (const lines of readLines(handle, offset, end.size)) {
    for (const line of lines) {
      const entry = parseEntry(line)
      const isRecorded = entry?.phase === 'recovered' && entry.torn === parts[recorded]?.torn
      if (!isRecorded) return { parts: parts.slice(recorded), offset: next }
      recorded++
      next = line.offset + line.raw.byteLength + 1
    }
  }
  return { parts: parts.slice(recorded), offset: next }
}
