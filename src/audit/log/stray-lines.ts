import { isUtf8 } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { digestOf } from '../../oci/digest.ts'
import { readBackwards } from '../query/read-backwards.ts'
import { readWhole } from '../query/read-log.ts'
import {
  advance,
  claimedSeq,
  isNext,
  maxRecordSize,
  parseEntry,
  type Position,
  startOfChain,
} from './chain.ts'
import type { LogEntry } from './record.ts'
import { canBeTorn } from './record-prefix.ts'
import { findRecordProblem } from './record-problems.ts'

/** The most bytes after a chain in which dray detects stray lines. */
const maxStraySize = 8 * 1024 * 1024
const newline = 0x0a

/**
 * Lines behind the end of a chain that continue an earlier line of the same log. A run leaves them
 * if it is suspended just before it writes: another run takes over its lock and writes, and the
 * bytes of the first run land behind those of the second. The last line may be torn.
 */
export interface StrayTail {
  /** all bytes after the chain */
  readonly bytes: Buffer
  /** of the lines; a torn line counts */
  readonly lines: number
  /** number of the line that the first stray line continues; 0 if it begins a log */
  readonly after: number
  /** ids of the runs that wrote the lines */
  readonly runs: readonly string[]
  /**
   * The end of the log as the writer of the lines saw it, if one suspended run can have written
   * them all at once. An earlier version of dray wrote it to the head.
   */
  readonly claimedEnd: Position | undefined
}

/**
 * Explains the bytes of a log of `size` bytes behind its chain, which ends at `end`. Undefined if
 * they are not only stray lines: then the log was changed, or another program wrote to it. A copy
 * of a line of the log is no stray line.
 */
export async function findStrayTail(
  handle: FileHandle,
  end: Position,
  size: number,
): Promise<StrayTail | undefined> {
  if (size <= end.size || size - end.size > maxStraySize) return undefined
  const bytes = await readWhole(handle, end.size, size - end.size)
  const fragments = fragmentsOf(bytes)
  const seqs = fragments.flatMap(({ raw }) => claimedSeq(raw) ?? [])
  const after = (seqs[0] ?? end.seq + 1) - 1
  const earlier = await readEarlierLines(handle, end, seqs, after)
  const strays = explainAll(fragments, end, earlier)
  if (strays === undefined) return undefined
  const runs = [...new Set(strays.flatMap(({ run }) => run ?? []))]
  const isOneWrite = strays.every(({ run, isContinued }, i) => run === runs[0] && isContinued === i > 0)
  const canBeSuspended = runs[0] !== undefined && !earlier.displaced.has(runs[0])
  const claimedEnd = isOneWrite && canBeSuspended ? strays.at(-1)?.end : undefined
  return { bytes, lines: fragments.length, after, runs, claimedEnd }
}

/**
 * Whether one suspended run can have written the lines, and the head if there is one. Such a log
 * has no head that vouches for the chain before the lines.
 */
export function isSuspendedWrite({ claimedEnd }: StrayTail, head: Position | undefined): boolean {
  if (claimedEnd === undefined || head === undefined) return claimedEnd !== undefined
  return claimedEnd.seq === head.seq && claimedEnd.hash === head.hash && claimedEnd.size === head.size
}

/** A line, or a part of one: a run can write behind a torn line, on the same line. */
interface Fragment {
  readonly raw: Buffer
  readonly isWhole: boolean
}

function fragmentsOf(bytes: Buffer): readonly Fragment[] {
  const fragments: Fragment[] = []
  for (let start = 0; start < bytes.byteLength;) {
    const lineEnd = bytes.indexOf(newline, start)
    const isWhole = lineEnd >= 0
    const raw = bytes.subarray(start, isWhole ? lineEnd : bytes.byteLength)
    // A string has no such text, because its quotes are escaped.
    const second = raw.lastIndexOf('{"seq":')
    if (second > 0) fragments.push({ raw: raw.subarray(0, second), isWhole: false })
    fragments.push({ raw: second > 0 ? raw.subarray(second) : raw, isWhole })
    start += raw.byteLength + 1
  }
  return fragments
}

interface Stray {
  /** the run that wrote it; undefined for a torn line */
  readonly run: string | undefined
  /** the end of the chain after it, as its writer saw it; undefined for a torn line */
  readonly end: Position | undefined
  /** whether it continues the whole stray line before it */
  readonly isContinued: boolean
}

function explainAll(
  fragments: readonly Fragment[],
  end: Position,
  earlier: EarlierLines,
): readonly Stray[] | undefined {
  const strays: Stray[] = []
  let last: Position | undefined
  for (const { raw, isWhole } of fragments) {
    const seq = claimedSeq(raw)
    const isContinued = last !== undefined && seq === last.seq + 1 && (!isWhole || isNext(raw, last))
    const start = isContinued ? last : earlier.ends.get((seq ?? 0) - 1)
    if (!isWhole) {
      if (!canBeTornStray(raw, start ?? end)) return undefined
      strays.push({ run: undefined, end: undefined, isContinued })
      continue
    }
    const entry = start !== undefined && isNext(raw, start) ? parseRecord(raw) : undefined
    if (start === undefined || entry === undefined) return undefined
    last = advance(start, raw)
    if (earlier.ends.get(last.seq)?.hash === last.hash) return undefined
    strays.push({ run: writerOf(entry), end: last, isContinued })
  }
  return strays
}

function canBeTornStray(raw: Buffer, position: Position): boolean {
  if (raw.byteLength > maxRecordSize) return false
  return canBeTorn(raw, position) || /^\{"seq":\d{1,15}$/.test(raw.toString('latin1', 0, 32))
}

function parseRecord(raw: Buffer): LogEntry | undefined {
  const entry = parseEntry({ raw, state: 'whole' })
  return entry === undefined || !isUtf8(raw) || findRecordProblem(entry) !== undefined ? undefined : entry
}

/** The run that wrote a record: its own, or the one that found out its outcome. */
export function writerOf(entry: LogEntry): string {
  return entry.phase === 'recovered' ? entry.run : (entry.resolvedBy ?? entry.run)
}

export interface EarlierLines {
  /** the end of the chain after the lines with these numbers, and after those before them */
  readonly ends: ReadonlyMap<number, Position>
  /** the runs that wrote the lines of the chain after a given one */
  readonly displaced: ReadonlySet<string>
}

/** Reads the chain backwards from `end`, as far as the numbers need. */
export async function readEarlierLines(
  handle: FileHandle,
  end: Position,
  seqs: readonly number[],
  after: number,
): Promise<EarlierLines> {
  const wanted = new Set(seqs.flatMap((seq) => [seq - 1, seq]))
  const ends = new Map<number, Position>()
  if (wanted.has(0)) ends.set(0, startOfChain)
  const displaced = new Set<string>()
  const first = Math.max(1, Math.min(end.seq + 1, ...wanted))
  let seq = end.seq
  if (seq < first) return { ends, displaced }
  for await (const lines of readBackwards(handle, end.size)) {
    for (const { raw, offset } of lines) {
      if (wanted.has(seq)) ends.set(seq, { seq, hash: digestOf(raw), size: offset + raw.byteLength + 1 })
      const entry = seq > after ? parseEntry({ raw, state: 'whole' }) : undefined
      if (entry !== undefined) displaced.add(writerOf(entry))
      if (--seq < first) return { ends, displaced }
    }
  }
  return { ends, displaced }
}
