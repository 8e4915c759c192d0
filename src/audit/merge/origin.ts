import { DrayError } from '../../lib/errors.ts'
import { isRecord } from '../../oci/json.ts'
import { linePrefix, type Position } from '../log/chain.ts'
import type { LogEntry, Origin } from '../log/record.ts'

/** A line without its position: the same bytes in every log that has the record. */
export interface Body {
  /** from the first field after `prev` to the closing brace */
  readonly bytes: Buffer
  /** the log and line that this line was merged from, if this log was merged */
  readonly origin?: Origin
}

/** Splits a line of a verified chain. @throws `malformed` if dray did not write its end. */
export function bodyOf(raw: Buffer, entry: LogEntry, where: string): Body {
  const start = linePrefix({ seq: entry.seq - 1, hash: entry.prev, size: 0 }).length
  if (entry.origin === undefined) {
    if (raw.at(-1) === 0x7d) return { bytes: raw.subarray(start) }
    throw notOurs(where, entry)
  }
  if (!isRecord(entry.origin)) throw notOurs(where, entry)
  const end = originField(entry.origin)
  if (raw.toString('utf8', raw.byteLength - end.byteLength) !== end.toString()) throw notOurs(where, entry)
  const bytes = Buffer.concat([raw.subarray(start, raw.byteLength - end.byteLength), Buffer.from('}')])
  return { bytes, origin: entry.origin }
}

/** Formats a body as the line after `position`, without a line break. */
export function lineOf({ bytes, origin }: Required<Body>, position: Position): Buffer {
  return Buffer.concat([Buffer.from(linePrefix(position)), bytes.subarray(0, -1), originField(origin)])
}

/** The last field of a line, with the closing brace of the line. */
function originField(origin: Origin): Buffer {
  return Buffer.from(`,"origin":${JSON.stringify(origin)}}`)
}

function notOurs(where: string, { seq }: LogEntry): DrayError {
  return new DrayError('malformed', `line ${seq} of ${where} does not end like a line of dray`, {
    subject: where,
  })
}
