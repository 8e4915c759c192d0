import type { FileHandle } from 'node:fs/promises'
import { DrayError } from '../../lib/errors.ts'
import { type LogLine, maxLineSize } from '../log/chain.ts'
import { readWhole } from './read-log.ts'

const readSize = 64 * 1024
const newline = 0x0a

/**
 * Reads the whole lines of an open file before `end`, last line first, in batches, back to `start`,
 * the beginning of a line. Skips bytes after the last line break. Needs memory for one read and one
 * line. @throws `malformed` for a line that is longer than any record.
 */
export async function* readBackwards(
  handle: FileHandle,
  end: number,
  start = 0,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  let offset = await endOfLines(handle, end)
  const buffer = Buffer.allocUnsafe(maxLineSize + readSize)
  // The end of the buffer holds the rest of a line that begins before `offset`.
  let rest = 0
  while (offset > start) {
    const size = Math.min(readSize, offset - start)
    offset -= size
    const block = buffer.subarray(buffer.byteLength - rest - size)
    await fill(block.subarray(0, size), handle, offset)
    const first = offset === start ? 0 : block.indexOf(newline) + 1
    const lines = linesIn(block.subarray(first), offset + first)
    if (lines.length > 0) yield lines.toReversed()
    if (first > maxLineSize) throw tooLong(offset)
    block.copy(buffer, buffer.byteLength - first, 0, first)
    rest = first
  }
}

async function fill(buffer: Buffer, handle: FileHandle, offset: number): Promise<void> {
  for (let filled = 0; filled < buffer.byteLength;) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, offset + filled)
    if (bytesRead === 0) throw new DrayError('io', 'the log became shorter while dray read it')
    filled += bytesRead
  }
}

/** The offset after the last line break before `end`, or 0. */
async function endOfLines(handle: FileHandle, end: number): Promise<number> {
  for (let to = end; to > 0; to -= readSize) {
    const from = Math.max(0, to - readSize)
    const at = (await readWhole(handle, from, to - from)).lastIndexOf(newline)
    if (at >= 0) return from + at + 1
  }
  return 0
}

function linesIn(bytes: Buffer, offset: number): readonly LogLine[] {
  const lines: LogLine[] = []
  for (let start = 0; start < bytes.byteLength;) {
    const end = bytes.indexOf(newline, start)
    lines.push({ offset: offset + start, raw: bytes.subarray(start, end), state: 'whole' })
    start = end + 1
  }
  return lines
}

function tooLong(offset: number): DrayError {
  return new DrayError('malformed', `a line near byte ${offset} is longer than any record`, {
    hint: 'Find the problem: dray audit verify.',
  })
}
