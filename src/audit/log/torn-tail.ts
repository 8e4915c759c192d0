import type { FileHandle } from 'node:fs/promises'
import { rm } from 'node:fs/promises'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { isRecord } from '../../oci/json.ts'
import { maxLineSize, parseEntry } from './chain.ts'
import { foreignFile } from './head.ts'
import { readLines } from '../query/read-log.ts'

/**
 * Bytes at the end of a log that a crash left of a line. They become the `torn` of a `recovered` record. A crash may come at any point of that too,
 * so it goes in this order, under the lock of the log:
 *
 * 1. The bytes and their place are written to `<log>.torn`, synced, and its name too. Before that, the log is as it was.
 * 2. The log is cut where they began. A crash before leaves them in both places: the next one finds them kept and begins here.
 * 3. The `recovered` record is written as the first line of what is written anyway, and synced. A crash in the middle leaves a torn line at the
 *    same place, which is the record's own and is kept already: the next one begins at 2 and keeps nothing new.
 * 4. `<log>.torn` is removed. A crash before leaves it beside a log that has the record at its place: the next one removes it and writes nothing.
 */
export interface TornTail {
  /** of their first byte in the log */
  readonly offset: number
  /** base64 */
  readonly torn: string
}

/**
 * The torn bytes that are kept and not recorded yet; undefined if there are none. @throws `audit` if the file at their
 * place is another program's; `io`, also for a symbolic link.
 */
export async function keptTail(log: string, handle: FileHandle): Promise<TornTail | undefined> {
  const bytes = await readFileBounded(tornPath(log), 2 * maxLineSize, { followLinks: false })
  if (bytes === undefined) return undefined
  const kept = parseTail(bytes)
  if (kept === undefined) throw foreignFile(tornPath(log))
  if (!(await isRecorded(kept, handle))) return kept
  await forgetTail(log)
  return undefined
}

/** @throws `io`. */
export async function keepTail(log: string, tail: TornTail): Promise<void> {
  await writeFileAtomic(tornPath(log), `${JSON.stringify(tail)}\n`, { mode: 0o600 })
}

/** To be called when the record is on disk. What stays through a failure of it is removed by `keptTail`. */
export async function forgetTail(log: string): Promise<void> {
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
    if (first?.state !== 'whole') return false
    const entry = parseEntry(first.raw)
    return entry?.phase === 'recovered' && entry.torn === kept.torn
  }
  return false
}
