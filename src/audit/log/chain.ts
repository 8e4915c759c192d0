import { DrayError } from '../../lib/errors.ts'
import { isRecord } from '../../oci/json.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import type { LogEntry, LogRecord } from './record.ts'

/** The longest line that dray reads, in bytes. */
export const maxLineSize: number = 1024 * 1024
/** The longest line that dray writes. If a crash tears it, its base64 still fits into a line. */
export const maxRecordSize: number = 512 * 1024

/** A line of a log. */
export interface LogLine {
  /** of its first byte in the log */
  readonly offset: number
  /** without the line break; valid until the next batch is read */
  readonly raw: Buffer
  /** `torn`: the end of the file, without a line break; `tooLong`: `raw` is its beginning */
  readonly state: 'whole' | 'torn' | 'tooLong'
}

/** The end of a chain after a line. */
export interface Position {
  /** number of the line; 0 before the first */
  readonly seq: number
  /** of the line's exact bytes without the line break; null before the first */
  readonly hash: Hash | null
  /** bytes of the log up to and including the line break */
  readonly size: number
}

export const startOfChain: Position = { seq: 0, hash: null, size: 0 }

/**
 * How the line after `position` begins, byte for byte. It can be checked without parsing the line.
 */
export function linePrefix({ seq, hash }: Position): string {
  return `{"seq":${seq + 1},"prev":${hash === null ? 'null' : `"${hash}"`},`
}

/** Formats the record as the line after `position`. @throws `audit` if it is too long. */
export function formatLine(record: LogRecord, position: Position): string {
  const { time, run, phase, ...rest } = record
  const line = linePrefix(position) + JSON.stringify({ time, run, phase, ...rest }).slice(1)
  if (Buffer.byteLength(line) > maxRecordSize) {
    throw new DrayError('audit', `a record of ${Buffer.byteLength(line)} bytes is too long for the log`, {
      why: `a line has at most ${maxRecordSize} bytes`,
    })
  }
  return line
}

/** The end of the chain after this line, which has no line break. */
export function advance(position: Position, line: Uint8Array): Position {
  return { seq: position.seq + 1, hash: digestOf(line), size: position.size + line.byteLength + 1 }
}

/** Whether the line claims to follow `position`. */
export function isNext(line: Buffer, position: Position): boolean {
  const prefix = linePrefix(position)
  return line.toString('latin1', 0, prefix.length) === prefix
}

/** The number that a line claims to have, or undefined if it does not begin with one. */
export function claimedSeq(line: Buffer): number | undefined {
  const match = /^\{"seq":([1-9]\d{0,14}),/.exec(line.toString('latin1', 0, 32))
  return match === null ? undefined : Number(match[1])
}

/** The hash that a line claims of the line before it; undefined if it does not begin with one. */
export function previousHash(line: Buffer): Hash | null | undefined {
  const match = /^\{"seq":\d{1,16},"prev":(?:null|"(sha256:[0-9a-f]{64})"),/.exec(
    line.toString('latin1', 0, 128),
  )
  return match === null ? undefined : (match[1] ?? null)
}

/**
 * Parses a whole line; undefined if it is not a JSON object. `findRecordProblem` checks its fields.
 */
export function parseEntry({ raw, state }: Pick<LogLine, 'raw' | 'state'>): LogEntry | undefined {
  if (state !== 'whole') return undefined
  try {
    const value: unknown = JSON.parse(raw.toString())
    return isRecord(value) ? (value as unknown as LogEntry) : undefined
  } catch {
    return undefined
  }
}
