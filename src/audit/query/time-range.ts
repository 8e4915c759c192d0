import { maxLineSize } from '../log/chain.ts'
import type { OpenLog } from './log-lines.ts'
import { timeBytes, timeOfLine } from './line-time.ts'
import { readWhole } from './read-log.ts'

/**
 * How far a record may be older than one before it. A run takes the time of a record before it
 * waits for the lock of the log, at most a minute, and machines that share a log may have different
 * clocks.
 */
const maxDisorderMs = 3_600_000
/** A block has dozens of records of the usual length. */
const blockSize = 64 * 1024
/**
 * One late write, such as that of a run that was suspended, must not hide the records before it. So
 * the omitted records next to the result have to be out of time for this many bytes.
 */
const marginSize = 4 * blockSize
const newline = 0x0a

/** Milliseconds since 1970: `since` is inclusive, `until` is exclusive. */
export interface TimeRange {
  readonly since?: number | undefined
  readonly until?: number | undefined
}

/** Offsets in a log, each the beginning of a line or the end of the log. */
export interface LineRange {
  readonly start: number
  readonly end: number
}

/**
 * Finds the part of a log that has all records of a time range, by bisection. The part may have
 * other records too. It is complete if no record is older by more than `maxDisorderMs` than one
 * before it. If the blocks that were read show a larger disorder, such as after a clock was set
 * back, it is the whole log.
 */
export async function findLines({ since, until }: TimeRange, source: OpenLog): Promise<LineRange> {
  if (since === undefined && until === undefined) return { start: 0, end: source.size }
  const search = new TimeSearch(source)
  const start = since === undefined ? 0 : await search.findStart(since - maxDisorderMs)
  const end = until === undefined ? source.size : await search.findEnd(until + maxDisorderMs)
  return (await search.isOrdered()) ? { start, end: Math.max(start, end) } : { start: 0, end: source.size }
}

/** The lines that begin in a block. */
interface Block {
  /** offsets of the first and the last line */
  readonly first: number
  readonly last: number
  /** times */
  readonly oldest: number
  readonly newest: number
  /** whether the time of every line can be read without parsing it */
  readonly isComplete: boolean
  readonly isOrdered: boolean
}

class TimeSearch {
  readonly #source: OpenLog
  readonly #blocks: Block[] = []

  constructor(source: OpenLog) {
    this.#source = source
  }

  /** If all records of a block are older than `time`, the result begins after it. */
  async findStart(time: number): Promise<number> {
    let start = 0
    for (let high = this.#source.size; high - start > blockSize;) {
      const middle = Math.floor((start + high) / 2)
      const block = await this.#nextBlock(middle)
      if (block !== undefined && isBefore(block, time)) start = block.last
      else high = middle
    }
    while (start > 0) {
      const margin = await this.#readBlock(Math.max(0, start - marginSize), start)
      if (margin === undefined || isBefore(margin, time)) break
      start = margin.first
    }
    return start
  }

  /** If no record of a block is older than `time`, the result ends before it. */
  async findEnd(time: number): Promise<number> {
    const { size } = this.#source
    let end = size
    for (let low = 0, high = end; high - low > blockSize;) {
      const middle = Math.floor((low + high) / 2)
      const block = await this.#nextBlock(middle)
      if (block !== undefined && isFrom(block, time)) {
        end = Math.min(end, block.first)
        high = middle
      } else low = middle
    }
    while (end < size) {
      const margin = await this.#readBlock(end, Math.min(size, end + marginSize))
      if (margin === undefined || isFrom(margin, time)) break
      end = margin.last > end ? margin.last : size
    }
    return end
  }

  /** Whether the blocks that were read, the first and the last one are in the order of time. */
  async isOrdered(): Promise<boolean> {
    await this.#nextBlock(0)
    await this.#nextBlock(Math.max(0, this.#source.size - blockSize))
    const isOlder = (block: Block, other: Block): boolean =>
      other.last < block.first && block.oldest < other.newest - maxDisorderMs
    return this.#blocks.every(
      (block) => block.isOrdered && !this.#blocks.some((other) => isOlder(block, other)),
    )
  }

  /** The first block from `offset` in which a line begins: a long line may cover several blocks. */
  async #nextBlock(offset: number): Promise<Block | undefined> {
    const end = Math.min(this.#source.size, offset + maxLineSize + blockSize)
    for (let from = offset; from < end; from += blockSize) {
      const block = await this.#readBlock(from, Math.min(end, from + blockSize))
      if (block !== undefined) return block
    }
    return undefined
  }

  /** Reads the lines that begin between two offsets; undefined if there is none. */
  async #readBlock(from: number, to: number): Promise<Block | undefined> {
    const { handle, signal, size } = this.#source
    signal.throwIfAborted()
    // The byte before the block shows whether a line begins with it.
    const offset = Math.max(0, from - 1)
    const bytes = await readWhole(handle, offset, Math.min(size, to + timeBytes) - offset)
    let block: Block | undefined
    let at = from === 0 ? 0 : afterLine(bytes, 0)
    while (offset + at < to) {
      const next = afterLine(bytes, at)
      const time = timeOfLine(bytes.subarray(at))
      const isTorn = next === Infinity && offset + bytes.byteLength >= size
      if (time !== undefined || !isTorn) block = withLine(block, offset + at, time)
      at = next
    }
    if (block !== undefined) this.#blocks.push(block)
    return block
  }
}

function withLine(block: Block | undefined, start: number, time: number | undefined): Block {
  const {
    first = start,
    oldest = Infinity,
    newest = -Infinity,
    isComplete = true,
    isOrdered = true,
  } = block ?? {}
  return {
    first,
    last: start,
    oldest: Math.min(oldest, time ?? Infinity),
    newest: Math.max(newest, time ?? -Infinity),
    isComplete: isComplete && time !== undefined,
    isOrdered: isOrdered && (time ?? newest) >= newest - maxDisorderMs,
  }
}

/** Whether all records of the block are older. */
function isBefore({ isComplete, newest }: Block, time: number): boolean {
  return isComplete && newest < time
}

/** Whether no record of the block is older. */
function isFrom({ isComplete, oldest }: Block, time: number): boolean {
  return isComplete && oldest >= time
}

/** The offset of the next line; Infinity if no line break follows. */
function afterLine(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(newline, at)
  return end < 0 ? Infinity : end + 1
}
