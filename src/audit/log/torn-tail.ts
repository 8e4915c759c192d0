import type { FileHandle } from 'node:fs/promises'
import { rm } from 'node:fs/promises'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { isRecord } from '../../oci/json.ts'
import { maxLineSize, parseEntry } from './chain.ts'
import { foreignFile } from './head.ts'
import { readLines } from '../query/read-log.ts'

/**
 * Bytes that a crash left at the end of a log. They become the `torn` of a `recovered` record. A
 * crash may interrupt that too, so these steps run in this order, under the lock of the log:
 *
 * 1. Write and sync the bytes and their offset to `<log>.torn`.
 * 2. Truncate the log at that offset. After a crash before this step, the next write finds the
 * bytes in both places and begins here.
 * 3. Write and sync the `recovered` record as the first new line. A crash can leave a torn line of
 * this record at the same offset. The next write begins at step 2 and keeps no more bytes.
 * 4. Remove `<log>.torn`. After a crash before this step, the log has the record at the offset. The
 * next write removes the file and writes nothing.
 */
export interface TornTail {
  /** of their first byte in the log */
  readonly offset: number
  /** base64 */
  readonly torn: string
}

/**
 * Reads the torn bytes that are saved but not recorded yet, or undefined. @throws `audit` if
 * another program wrote the file; `io`, also for a symbolic link.
 */
export async function readTail(log: string, handle: FileHandle): Promise<TornTail | undefined> {
  const bytes = await readFileBounded(tornPath(log), 2 * maxLineSize, { followLinks: false })
  if (bytes === undefined) return undefined
  const kept = parseTail(bytes)
  if (kept === undefined) throw foreignFile(tornPath(log))
  if (!(await isRecorded(kept, handle))) return kept
  await removeTail(log)
  return undefined
}

/** @throws `io`. */
export async function saveTail(log: string, tail: TornTail): Promise<void> {
  await writeFileAtomic(tornPath(log), `${JSON.stringify(tail)}\n`, { mode: 0o600 })
}

/** Call this when the record is on disk. If it fails, `readTail` removes the file later. */
export async function removeTail(log: string): Promise<void> {
  await rm(tornPath(log), { force: true }).catch(() => undefined)
}

function tornPath(log: string): string {
  return `${log}.torn`
}

function parseTail(bytes: Uint8Array): TornTail | undefined {
  try {
    const text = Buffer.from(bytes).toString()
    const value: unknown = JSON.parse(text)
    if (!isRecord(value) || typeof value['torn'] !== 'string') return undefined
    const { offset, torn } = value
    if (!Number.isSafeInteger(offset) || (offset as number) < 0) return undefined
    const tail = { offset: offset as number, torn }
    return text.trimEnd() === JSON.stringify(tail) ? tail : undefined
  } catch {
    return undefined
  }
}

async function isRecorded(kept: TornTail, handle: FileHandle): Promise<boolean> {
  for await (const lines of readLines(handle, kept.offset, kept.offset + maxLineSize + 1)) {
    const [first] = lines
    const entry = first === undefined ? undefined : parseEntry(first)
    return entry?.phase === 'recovered' && entry.torn === kept.torn
  }
  return false
}
