import { fstatSync, ftruncateSync, readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { DrayError } from '../../lib/errors.ts'
import type { HeldLock } from '../../lib/files/lock.ts'
import type { LogEnd } from '../query/follow-log.ts'
import { advance, formatLine, type Position } from './chain.ts'
import type { LogEntry, LogRecord } from './record.ts'

/** Records as lines of a log. */
export interface Lines {
  readonly text: string
  readonly entries: readonly { readonly entry: LogEntry; readonly offset: number }[]
  /** the end of the chain after them */
  readonly end: Position
}

/** Formats the records as lines after `start`. @throws `audit` if one is too long. */
export function formatLines(records: readonly LogRecord[], start: Position): Lines {
  let end = start
  let text = ''
  const entries = records.map((record) => {
    const line = formatLine(record, end)
    const entry: LogEntry = { ...record, seq: end.seq + 1, prev: end.hash }
    const offset = end.size
    end = advance(end, Buffer.from(line))
    text += `${line}\n`
    return { entry, offset }
  })
  return { text, entries, end }
}

/** An open log and its lock. */
export interface LockedLog {
  readonly handle: FileHandle
  readonly lock: HeldLock
}

/**
 * Cuts off the tail and appends the lines, and resolves when they are on disk at their position. A
 * process can be suspended at any point of this, and the system has no write on a condition. So
 * lock and size are checked before each write and after the last one: if another process took the
 * lock over, or its bytes are in between, the lines are not acknowledged and no head is written for
 * them. @throws `conflict` then; the system's error.
 */
export async function appendLines(text: string, { end, tail }: LogEnd, log: LockedLog): Promise<void> {
  if (tail.byteLength > 0) await cutTail(tail, end, log)
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.byteLength;) {
    await requireEnd(end.size + written, log)
    written += (await log.handle.write(bytes, written, bytes.byteLength - written)).bytesWritten
  }
  await log.handle.datasync()
  await requireEnd(end.size + bytes.byteLength, log)
}

/** Takes back lines of a write that failed. Does nothing if they are not at the end of the log. */
export async function takeBack(text: string, end: Position, log: LockedLog): Promise<void> {
  const { size } = await log.handle.stat()
  const written = Buffer.from(text).subarray(0, Math.max(0, size - end.size))
  if (written.byteLength > 0) await cutTail(written, end, log)
}

async function requireEnd(size: number, { handle, lock }: LockedLog): Promise<void> {
  await lock.check()
  if ((await handle.stat()).size !== size) throw strayWriter()
}

/**
 * Truncates the log behind `end` if exactly the bytes of `tail` are there. A cut behind a line of
 * another process would be lost data, so nothing is awaited between the comparison and the cut.
 * Only a process that is suspended between these two system calls can still cut too much; then the
 * head of the other process is ahead of the log. @throws `conflict` for other bytes.
 */
async function cutTail(tail: Buffer, end: Position, { handle, lock }: LockedLog): Promise<void> {
  await lock.check()
  const found = Buffer.alloc(tail.byteLength)
  readSync(handle.fd, found, 0, found.byteLength, end.size)
  if (fstatSync(handle.fd).size !== end.size + tail.byteLength || !found.equals(tail)) throw strayWriter()
  ftruncateSync(handle.fd, end.size)
  await handle.datasync()
}

function strayWriter(): DrayError {
  return new DrayError('conflict', 'another process wrote to the audit log without its lock', {
    hint: 'Run the command again.',
  })
}
