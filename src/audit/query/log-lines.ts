import type { FileHandle } from 'node:fs/promises'
import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { advance, isNext, type LogLine, parseEntry, type Position, startOfChain } from '../log/chain.ts'
import { openLog, readLines } from './read-log.ts'
import type { LogEntry } from '../log/record.ts'
import { canBeTorn } from '../log/record-prefix.ts'

/** The lines of a log in batches. A batch is valid until the next one is read. */
export type LogLines = AsyncIterable<readonly LogLine[]>

/** A line that follows the one before it. */
export interface ChainedLine {
  readonly entry: LogEntry
  /** the exact bytes without the line break; valid until the next line is read */
  readonly raw: Buffer
  /** the end of the chain after the line */
  readonly position: Position
}

/**
 * Reads the lines of the log at `path` up to its current end.
 * @param onRead called with the bytes so far and in all, several times a second
 * @throws `not-found`, `io`; the signal's reason.
 */
export async function* linesOf(
  path: string,
  signal: AbortSignal,
  onRead?: (done: number, all: number) => void,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const handle = await openLog(path)
  try {
    const { size } = await handle.stat()
    for await (const lines of linesFrom(0, { path, handle, size, signal })) {
      const last = lines.at(-1)
      if (last !== undefined) onRead?.(Math.min(last.offset + last.raw.byteLength + 1, size), size)
      yield lines
    }
  } finally {
    await handle.close()
  }
}

/** A log that is open. */
export interface OpenLog {
  readonly path: string
  readonly handle: FileHandle
  /** size of the log when it was opened */
  readonly size: number
  readonly signal: AbortSignal
}

/** Reads an open log from `start`, the beginning of a line. @throws `io`; the signal's reason. */
export async function* linesFrom(
  start: number,
  { path, handle, size, signal }: OpenLog,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  try {
    for await (const lines of readLines(handle, start, size)) {
      signal.throwIfAborted()
      yield lines
    }
  } catch (cause) {
    throw ioError(cause, `cannot read ${path}`, path)
  }
}

/**
 * Follows the chain of a log from its first line and skips a torn record at the end. @throws
 * `corrupt` at the first line that does not follow.
 */
export async function* followChain(
  lines: LogLines,
  where: string,
): AsyncGenerator<ChainedLine, void, undefined> {
  let position = startOfChain
  let isOver = false
  for await (const batch of lines) {
    for (const line of batch) {
      const { raw } = line
      if (isOver) throw broken(where, position, 'it is not a record')
      const entry = parseEntry(line)
      if (entry === undefined) {
        if (line.state === 'tooLong') throw broken(where, position, 'it is longer than any record')
        if (!canBeTorn(raw, position)) throw broken(where, position, 'it is not a record')
        isOver = true
        continue
      }
      if (!isNext(raw, position)) throw broken(where, position, 'it does not follow the one before it')
      position = advance(position, raw)
      yield { entry, raw, position }
    }
  }
}

function broken(where: string, { seq }: Position, why: string): DrayError {
  return new DrayError('corrupt', `the chain of ${where} is broken at line ${seq + 1}`, {
    subject: where,
    why,
    hint: 'Find the problem: dray audit verify.',
  })
}
