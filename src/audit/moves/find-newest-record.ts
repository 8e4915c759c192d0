import { parseEntry } from '../log/chain.ts'
import { stepKey, withoutPosition } from '../log/open-intents.ts'
import type { AuditRecord, LogEntry } from '../log/record.ts'
import { readBackwards } from '../query/read-backwards.ts'
import { openLog } from '../query/read-log.ts'

/**
 * The bytes that are read from the end of a log at most. They hold the records of more than ten
 * thousand steps.
 */
const maxBytesRead = 32 * 1024 * 1024

export interface NewestOptions {
  /** the search ends at the first record before this time, in milliseconds */
  readonly since: number
  readonly signal: AbortSignal
}

/**
 * Finds the newest record that matches in the log at `path`, from its end: an outcome `done`, or
 * an intent without an outcome. Lines that are no records are skipped: `dray audit verify` names
 * them.
 * @throws `not-found`, `io`, `malformed`; the signal's reason.
 */
export async function findNewestRecord(
  path: string,
  isMatch: (record: AuditRecord) => boolean,
  { since, signal }: NewestOptions,
): Promise<AuditRecord | undefined> {
  const handle = await openLog(path)
  try {
    const { size } = await handle.stat()
    const ended = new Set<string>()
    for await (const lines of readBackwards(handle, size)) {
      signal.throwIfAborted()
      for (const line of lines) {
        const entry = parseEntry(line)
        if (entry === undefined) continue
        if (Date.parse(entry.time) < since) return undefined
        if (isMoveOf(entry, ended) && isMatch(entry)) return withoutPosition(entry)
      }
      const oldest = lines.at(-1)
      if (oldest !== undefined && size - oldest.offset > maxBytesRead) return undefined
    }
    return undefined
  } finally {
    await handle.close()
  }
}

/**
 * Whether a record says that a step was done, or may be under way.
 * @param ended the steps whose outcome follows in the log; an outcome is added
 */
function isMoveOf(entry: LogEntry, ended: Set<string>): entry is LogEntry & AuditRecord {
  if (entry.phase !== 'intent' && entry.phase !== 'outcome') return false
  const key = stepKey(entry)
  if (key === undefined) return false
  if (entry.phase === 'intent') return !ended.has(key)
  ended.add(key)
  return entry.result === 'done'
}
