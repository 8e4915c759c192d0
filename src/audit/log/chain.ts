import { DrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import type { LogEntry, LogRecord } from './record.ts'

/** The longest line that is read, in bytes. */
export const maxLineSize: number = 1024 * 1024
/** The longest line that is written: what a crash leaves of it still fits, in base64, into a line of its own. */
export const maxRecordSize: number = 512 * 1024

/** Where a chain stands after a line: what the next line goes on from. */
export interface Position {
  /** of the line; 0 before the first */
  readonly seq: number
  /** of the line's exact bytes without its line break; null before the first */
  readonly hash: Hash | null
  /** bytes of the log up to and with the line's line break */
  readonly size: number
}

export const startOfChain: Position = { seq: 0, hash: null, size: 0 }

/** How the line that follows `position` must begin, byte for byte: its place can be checked without parsing the rest. */
export function placeAfter({ seq, hash }: Position): string {
  return `{"seq":${seq + 1},"prev":${hash === null ? 'null' : `"${hash}"`},`
}

/** The record as the line that follows `position`, without its line break. @throws `audit` for one that is too long. */
export function formatLine(record: LogRecord, position: Position): string {
  const { time, run, phase, ...rest } = record
  const line = placeAfter(position) + JSON.stringify({ time, run, phase, ...rest }).slice(1)
  if (Buffer.byteLength(line) > maxRecordSize) {
    throw new DrayError('audit', `a record of ${Buffer.byteLength(line)} bytes is too long for the log`, {
      why: `a line holds ${maxRecordSize} bytes at most`,
    })
  }
  return line
}

/** Where the chain stands after this line, given without its line break. */
export function advance(position: Position, line: Uint8Array): Position {
  return { seq: position.seq + 1, hash: digestOf(line), size: position.size + line.byteLength + 1 }
}

/** Whether the line says that it follows `position`. */
export function isNext(line: Buffer, position: Position): boolean {
  const place = placeAfter(position)
  return line.toString('latin1', 0, place.length) === place
}

/** A line as data, or undefined where it is not a JSON object. Its shape is `verifyLog`'s to check. */
export function parseEntry(line: Buffer): LogEntry | undefined {
  try {
    const value: unknown = JSON.parse(line.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as LogEntry)
      : undefined
  } catch {
    return undefined
  }
}
