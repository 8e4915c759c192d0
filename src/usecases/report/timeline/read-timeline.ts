import { parseEntry } from '../../../audit/log/chain.ts'
import type { LogEntry } from '../../../audit/log/record.ts'
import { matcher } from '../../../audit/query/filter.ts'
import { linesOf } from '../../../audit/query/log-lines.ts'
import { selectLines } from '../../../audit/query/select-lines.ts'
import { type LogReport, verifyLog } from '../../../audit/verify/verify-log.ts'
import type { Clock } from '../../../lib/clock.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { EventGroups } from './event-groups.ts'
import type { Timeline, TimelineLog } from './timeline.ts'

export interface TimelineRequest {
  /** of the audit log */
  readonly path: string
  /** milliseconds since 1970, inclusive */
  readonly since: number
  /** in the order of `dray.yaml` */
  readonly environments: readonly string[]
}

/**
 * Verifies the audit log and groups its records since a time to events. If the chain is broken,
 * only the records before the break count. Without a log there are no events.
 * @throws `corrupt` if the log was removed and its head was not; `malformed`, `io`.
 */
export async function readTimeline(
  { path, since, environments }: TimelineRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<Timeline> {
  const until = clock.now()
  const period = { since: new Date(since).toISOString(), until: new Date(until).toISOString() }
  const report = await verifyIfPresent(path, clock, signal)
  if (report === undefined) {
    const log = { path, isAbsent: true, records: 0, hash: null, torn: 0, mergedFrom: [] }
    return { ...period, log, lanes: environments, events: [], others: [] }
  }
  const groups = new EventGroups()
  await readRecords(path, { since, report }, groups, signal)
  const events = groups.events()
  const others = events.map(({ lane }) => lane).toSorted()
  return {
    ...period,
    log: logOf(path, report, groups.mergedFrom()),
    lanes: [...new Set([...environments, ...others])],
    events,
    others: groups.others(),
  }
}

async function verifyIfPresent(
  path: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<LogReport | undefined> {
  try {
    return await verifyLog(path, { clock }, signal)
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return undefined
    throw error
  }
}

async function readRecords(
  path: string,
  { since, report: { end, problem } }: { readonly since: number; readonly report: LogReport },
  groups: EventGroups,
  signal: AbortSignal,
): Promise<void> {
  if (end.seq === 0) return
  const matches = matcher({ since })
  if (problem !== undefined) {
    for await (const entry of entriesBefore(path, problem.line, signal)) if (matches(entry)) groups.add(entry)
    return
  }
  await using selection = await selectLines(path, { matches, since }, signal)
  for await (const batch of selection.batches) for (const { entry } of batch) groups.add(entry)
}

/** The entries before a line of a damaged log. The line may be no record, or a changed one. */
async function* entriesBefore(
  path: string,
  badLine: number,
  signal: AbortSignal,
): AsyncGenerator<LogEntry, void, undefined> {
  let number = 0
  for await (const lines of linesOf(path, signal)) {
    for (const line of lines) {
      if (++number >= badLine) return
      const entry = parseEntry(line)
      if (entry !== undefined) yield entry
    }
  }
}

function logOf(path: string, report: LogReport, mergedFrom: readonly string[]): TimelineLog {
  const { end, span, head, problem, torn } = report
  return {
    path,
    isAbsent: false,
    records: problem === undefined ? end.seq : problem.line - 1,
    hash: problem === undefined ? end.hash : null,
    ...(span !== undefined && { span }),
    head,
    ...(problem !== undefined && { problem: { line: problem.line, why: problem.why } }),
    torn,
    mergedFrom,
  }
}
