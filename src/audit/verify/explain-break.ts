import { digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import { advance, isNext, type LogLine, parseEntry, type Position, previousHash } from '../log/chain.ts'
import type { Head } from '../log/head.ts'
import type { LogEntry } from '../log/record.ts'
import type { LogProblem, LogProblemKind } from '../log/record-problems.ts'
import { findStrayTail, isSuspendedWrite, readEarlierLines, type StrayTail } from '../log/stray-lines.ts'
import { linesFrom, type OpenLog } from '../query/log-lines.ts'

/** A log whose chain ends before its last line. */
export interface BrokenLog extends OpenLog {
  /** the end of the chain */
  readonly end: Position
  /** offset of the last line of the chain */
  readonly lastOffset: number
  /** undefined if it is missing or damaged */
  readonly head: Head | undefined
  /** the head is that of a line of the chain */
  readonly isHeadInChain: boolean
}

/** Explains the end of the chain. It names the line that was changed, not its neighbour. */
export async function explainBreak(log: BrokenLog): Promise<LogProblem> {
  const { end, head, handle, isHeadInChain, size } = log
  const strays = await findStrayTail(handle, end, size)
  if (strays !== undefined && (isHeadInChain || isSuspendedWrite(strays, head))) {
    return strayProblem(strays, log)
  }
  const rest = await readRest(log)
  const { bad, entry, continuedAt } = rest
  const at = end.seq + 1
  const original = await findOriginal(rest, log)
  if (original !== undefined) {
    const next = continuedAt === undefined ? '' : `, and ${continuation(continuedAt, log)}`
    return problem('copied', log, `it is a copy of line ${original}${next}`)
  }
  if (continuedAt !== undefined) return intruder(rest, continuedAt, log)
  if (entry === undefined) {
    return problem(
      'invalid',
      log,
      bad.state === 'tooLong' ? 'it is longer than the maximum length of a line' : notRecord,
    )
  }
  const seq = entry.seq
  if (previousHash(bad.raw) === end.hash || typeof seq !== 'number') {
    return problem('changed', log, `its number is ${JSON.stringify(seq) ?? 'missing'} instead of ${at}`)
  }
  if (seq === at) return wrongPrev(rest, log)
  if (seq > at) {
    const missing = seq === at + 1 ? `line ${at} is` : `lines ${at} to ${seq - 1} are`
    return problem('removed', log, `${missing} missing: the next line has the number ${seq}`)
  }
  return earlierNumber(seq, rest, log)
}

const notRecord = 'it is not a record'

function problem(kind: LogProblemKind, { end }: BrokenLog, why: string): LogProblem {
  return { kind, line: end.seq + 1, offset: end.size, why }
}

function strayProblem({ runs, lines, after }: StrayTail, log: BrokenLog): LogProblem {
  const place = after === 0 ? 'begins a log' : `continues line ${after}`
  const writer = runs.length === 1 ? `The run ${runs[0]}` : 'A run'
  const why = [
    `it ${place} and does not follow line ${log.end.seq}`,
    `${writer} wrote it without the lock, which happens if a run is suspended before it writes`,
    ...(lines === 2 ? ['The line after it is stray too'] : []),
    ...(lines > 2 ? [`The ${lines - 1} lines after it are stray too`] : []),
    ...(log.head === undefined || log.isHeadInChain ? [] : ['The head belongs to this run']),
  ]
  const hint =
    'Nothing to do: no record was changed. The next change with this log keeps stray lines as recovered records.'
  return { ...problem('stray', log, why.join('. ')), hint }
}

/** The lines after the chain. */
interface Rest {
  /** the first line after the chain; a copy */
  readonly bad: LogLine
  readonly entry: LogEntry | undefined
  /** the hash that the line after it has of it, or ought to have */
  readonly nextPrev: Hash | null | undefined
  /** number of a later line that continues the chain */
  readonly continuedAt: number | undefined
  /** number of a later line with the same bytes */
  readonly copyAt: number | undefined
  /** whether the bad line continues the first later line that continues the chain */
  readonly isTooEarly: boolean
  /** whether the head is that of a line of the chain that the bad line begins, as it claims */
  readonly isHeadBehind: boolean
}

async function readRest(log: BrokenLog): Promise<Rest> {
  const { end, head } = log
  let bad: LogLine = { offset: end.size, raw: Buffer.alloc(0), state: 'whole' }
  let hash: Hash | undefined
  let nextPrev: Hash | null | undefined
  let continuedAt: number | undefined
  let copyAt: number | undefined
  let isTooEarly = false
  let branch: Position | undefined
  let isHeadBehind = false
  let at = end.seq
  for await (const lines of linesFrom(end.size, log)) {
    for (const line of lines) {
      at++
      const own = digestOf(line.raw)
      if (hash === undefined) {
        bad = { ...line, raw: Buffer.from(line.raw) }
        hash = own
        const seq = parseEntry(line)?.seq
        branch = typeof seq === 'number' ? { seq, hash, size: 0 } : undefined
        isHeadBehind = isHeadOf(branch, head)
        continue
      }
      if (at === end.seq + 2) nextPrev = previousHash(line.raw)
      if (branch !== undefined && isNext(line.raw, branch)) {
        branch = advance(branch, line.raw)
        isHeadBehind ||= isHeadOf(branch, head)
      }
      if (own === hash) copyAt ??= at
      if (continuedAt !== undefined || !isNext(line.raw, end)) continue
      continuedAt = at
      isTooEarly = isNext(bad.raw, advance(end, line.raw))
    }
  }
  return { bad, entry: parseEntry(bad), nextPrev, continuedAt, copyAt, isTooEarly, isHeadBehind }
}

function isHeadOf(position: Position | undefined, head: Head | undefined): boolean {
  return head !== undefined && position?.seq === head.seq && position.hash === head.hash
}

function continuation(line: number, { end }: BrokenLog): string {
  return end.seq === 0 ? `line ${line} is the first of the log` : `line ${line} continues line ${end.seq}`
}

/** The number of the line that the bad line is a copy of. */
async function findOriginal(
  { bad, entry, copyAt, continuedAt }: Rest,
  { handle, end }: BrokenLog,
): Promise<number | undefined> {
  const seq = entry?.seq
  if (typeof seq === 'number' && seq >= 1 && seq <= end.seq) {
    const { ends } = await readEarlierLines(handle, end, [seq], end.seq)
    if (ends.get(seq)?.hash === digestOf(bad.raw)) return seq
  }
  // Without a line that continues the chain, the later one can be the copy.
  return continuedAt === undefined ? undefined : copyAt
}

/** A later line continues the chain, so the bad line does not belong here. */
function intruder({ entry, isTooEarly }: Rest, continuedAt: number, log: BrokenLog): LogProblem {
  const { end } = log
  const next = continuation(continuedAt, log)
  const isMoved = isTooEarly || (typeof entry?.seq === 'number' && entry.seq > end.seq + 1)
  if (isMoved) return problem('moved', log, `the lines are in another order: ${next}`)
  const what = entry === undefined ? `${notRecord}, and ` : ''
  return problem('inserted', log, `it was inserted: ${what}${next}`)
}

/** The line after the bad one, or the head, shows which of two lines was changed. */
function wrongPrev({ bad, nextPrev }: Rest, log: BrokenLog): LogProblem {
  const { end, head, lastOffset } = log
  const at = end.seq + 1
  const known = nextPrev ?? (head?.seq === at ? head.hash : undefined)
  const isUnchanged = known === undefined || known === digestOf(bad.raw)
  const isLastConfirmed = log.isHeadInChain && head?.seq === end.seq
  if (end.seq === 0 || isLastConfirmed || !isUnchanged) {
    return problem('changed', log, 'its hash of the previous line is wrong')
  }
  const why = `it was changed: line ${at} has a different hash of it`
  return { kind: 'changed', line: end.seq, offset: lastOffset, why }
}

/** The bad line has the number of an earlier line. */
async function earlierNumber(seq: number, { bad, isHeadBehind }: Rest, log: BrokenLog): Promise<LogProblem> {
  const { end } = log
  const { ends } = await readEarlierLines(log.handle, end, [seq], end.seq)
  const start = ends.get(seq - 1)
  if (start !== undefined && isNext(bad.raw, start) && isHeadBehind) {
    const what = seq === end.seq ? 'it was inserted' : `lines ${seq} to ${end.seq} were inserted`
    const why = `${what}: line ${end.seq + 1} has the number ${seq} too, and the head confirms that line`
    return { kind: 'inserted', line: seq, offset: start.size, why }
  }
  return problem('inserted', log, `its number is ${seq} instead of ${end.seq + 1}`)
}
