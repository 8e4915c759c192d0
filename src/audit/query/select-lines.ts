import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { type LogLine, parseEntry } from '../log/chain.ts'
import { findEntryProblem } from '../log/entry-problems.ts'
import { stepKey } from '../log/open-intents.ts'
import { LaterOutcomes } from './later-outcomes.ts'
import { timeOfLine } from './line-time.ts'
import { readBackwards } from './read-backwards.ts'
import { linesFrom, type OpenLog } from './log-lines.ts'
import { openLog } from './read-log.ts'
import type { LogEntry } from '../log/record.ts'
import { findLines, type LineRange, type TimeRange } from './time-range.ts'

/** The times must be those that `matches` asks for. They save reading the rest of the log. */
export interface SelectOptions extends TimeRange {
  readonly matches: (entry: LogEntry) => boolean
  /** only the last matches; all if absent */
  readonly limit?: number
  /** omits intents that have an outcome */
  readonly withoutSettled?: boolean
}

interface SelectedLine {
  readonly entry: LogEntry
  /** the exact bytes without the line break; valid until the next batch is read */
  readonly raw: Buffer
}

/** Lines of a log that stays open until this is disposed. */
export interface Selection extends AsyncDisposable {
  /** the limit cut off earlier matches */
  readonly hasMore: boolean
  /** in the order of the log; to be read once */
  readonly batches: AsyncIterable<readonly SelectedLine[]>
}

/**
 * Selects lines of the current log at `path`, without a torn record at its end. With times, it
 * reads only the part of the log that `findLines` finds. For the last lines it reads from the end,
 * and no further than needed. Keeps one number for each selected line. Does not verify the chain:
 * see `verifyLog`. @throws `not-found`, `io`; `malformed` for a line that is not a record, also
 * from `batches`.
 */
export async function selectLines(
  path: string,
  options: SelectOptions,
  signal: AbortSignal,
): Promise<Selection> {
  const handle = await openLog(path)
  try {
    const source = { path, handle, size: (await handle.stat()).size, signal }
    const range = await findLines(options, source)
    const isAll = options.limit === undefined && options.withoutSettled !== true
    const found = isAll ? undefined : await findLast(range, source, options)
    return {
      hasMore: found?.hasMore ?? false,
      batches: found === undefined ? matching(range, source, options) : linesAt(source, found.offsets),
      [Symbol.asyncDispose]: () => handle.close(),
    }
  } catch (cause) {
    await handle.close()
    throw ioError(cause, `cannot read ${path}`, path)
  }
}

/** The offsets of the matching lines, last line first. */
async function findLast(
  { start, end }: LineRange,
  source: OpenLog,
  options: SelectOptions,
): Promise<{ readonly offsets: number[]; readonly hasMore: boolean }> {
  const { matches, since, until, limit = Infinity, withoutSettled = false } = options
  const offsets: number[] = []
  const settled = new Set<string>()
  const later = new LaterOutcomes(end, source)
  // An outcome that is not shown settles its intent.
  const times = withoutSettled ? {} : { since, until }
  for await (const lines of readBackwards(source.handle, end, start)) {
    source.signal.throwIfAborted()
    for (const line of lines) {
      if (isOutside(times, line)) continue
      const entry = entryOf(line, source)
      if (entry === undefined || (withoutSettled && isSettled(entry, settled)) || !matches(entry)) continue
      if (withoutSettled && (await later.settle(entry, line.offset))) continue
      if (offsets.length === limit) return { offsets, hasMore: true }
      offsets.push(line.offset)
    }
  }
  return { offsets, hasMore: false }
}

/** Whether the beginning of a line shows that its time does not match. */
function isOutside({ since, until }: TimeRange, { raw }: LogLine): boolean {
  if (since === undefined && until === undefined) return false
  const time = timeOfLine(raw)
  return time !== undefined && !(time >= (since ?? -Infinity) && time < (until ?? Infinity))
}

/**
 * Whether an outcome follows this intent. `settled` has the steps of outcomes before their intents.
 */
function isSettled(entry: LogEntry, settled: Set<string>): boolean {
  const key = stepKey(entry)
  if (key === undefined) return false
  if (entry.phase === 'outcome') settled.add(key)
  return entry.phase === 'intent' && settled.delete(key)
}

async function* linesAt(
  source: OpenLog,
  offsets: number[],
): AsyncGenerator<readonly SelectedLine[], void, undefined> {
  let next = offsets.pop()
  if (next === undefined) return
  for await (const lines of linesFrom(next, source)) {
    const selected: SelectedLine[] = []
    for (const line of lines) {
      if (line.offset !== next) continue
      next = offsets.pop()
      const entry = entryOf(line, source)
      if (entry !== undefined) selected.push({ entry, raw: line.raw })
    }
    if (selected.length > 0) yield selected
    if (next === undefined) return
  }
}

async function* matching(
  { start, end }: LineRange,
  source: OpenLog,
  options: SelectOptions,
): AsyncGenerator<readonly SelectedLine[], void, undefined> {
  for await (const lines of linesFrom(start, { ...source, size: end })) {
    const selected: SelectedLine[] = []
    for (const line of lines) {
      if (isOutside(options, line)) continue
      const entry = entryOf(line, source)
      if (entry !== undefined && options.matches(entry)) selected.push({ entry, raw: line.raw })
    }
    if (selected.length > 0) yield selected
  }
}

/** The record on a line; undefined for a torn line at the end of the log. */
function entryOf(line: LogLine, { path, size }: OpenLog): LogEntry | undefined {
  const { offset, raw, state } = line
  if (state === 'torn') return undefined
  const entry = parseEntry(line)
  if (entry === undefined && offset + raw.byteLength + 1 >= size) return undefined
  const complaint = entry === undefined ? 'it is not a record' : findEntryProblem(entry)
  if (entry !== undefined && complaint === undefined) return entry
  throw new DrayError('malformed', `cannot show the line at byte ${offset}`, {
    subject: path,
    ...(complaint !== undefined && { why: complaint }),
    hint: 'Find the problem: dray audit verify.',
  })
}
