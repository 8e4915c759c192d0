import { isUtf8 } from 'node:buffer'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { advance, isNext, type LogLine, parseEntry, type Position, startOfChain } from '../log/chain.ts'
import { type BackwardTimes, TimeOrder } from './backward-times.ts'
import { Duplicates } from './duplicates.ts'
import { explainBreak } from './explain-break.ts'
import { type Head, readHead } from '../log/head.ts'
import { isAlive } from '../log/heartbeat.ts'
import { type OpenIntent, OpenIntents } from '../log/open-intents.ts'
import { linesOf } from '../query/log-lines.ts'
import { openLog } from '../query/read-log.ts'
import type { LogEntry } from '../log/record.ts'
import { skimRecord } from './skim-record.ts'
import { canBeTorn } from '../log/record-prefix.ts'
import { findRecordProblem, type LogProblem } from '../log/record-problems.ts'

export interface LogReport {
  /** the end of the valid chain */
  readonly end: Position
  readonly problem?: LogProblem
  /** times of the first and last record of the valid chain, ISO 8601; undefined if empty */
  readonly span: { readonly first: string; readonly last: string } | undefined
  /** `behind`: as after a crash; `missing` and `damaged`: a cut end would not be noticed */
  readonly head: 'agrees' | 'behind' | 'differs' | 'missing' | 'damaged'
  /** times that go backward, which is not a problem */
  readonly backward?: BackwardTimes
  /** bytes of a torn record at the end, after a crash or during a write */
  readonly torn: number
  readonly counts: Readonly<Record<LogEntry['phase'], number>>
  /** intents without an outcome, of living and of dead runs */
  readonly open: { readonly alive: readonly OpenIntent[]; readonly lost: readonly OpenIntent[] }
}

export interface VerifyOptions {
  readonly clock: Clock
  /** called several times a second, in bytes */
  readonly onProgress?: (done: number, all: number) => void
}

/**
 * Verifies a whole log in one pass, with 16 bytes of memory for each record: numbers, chain, JSON,
 * the fields of `dray.audit/1`, the head, repeated ids and outcomes, open intents. Ends at the
 * first bad line. It cannot notice that the end of a log was rewritten or cut together with its
 * head; that takes a checkpoint. @throws `not-found`, `io`; the signal's reason.
 */
export async function verifyLog(
  path: string,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<LogReport> {
  // The head is read first, because a concurrent writer makes the log longer than its head.
  const state = await readHead(path)
  const head = typeof state === 'string' ? undefined : state
  const verifier = new LogVerifier(head)
  const lines = linesOf(path, signal, options.onProgress)
  try {
    for await (const batch of lines) {
      for (const line of batch) if (!verifier.isOver) verifier.take(line)
      verifier.readOpenIntents()
      if (verifier.isOver) break
    }
  } catch (error) {
    if (head !== undefined && isDrayError(error) && error.code === 'not-found') throw goneLog(path, head)
    throw error
  }
  const broken = verifier.isBroken ? await explain(path, verifier, head, signal) : undefined
  // A suspended run of an earlier version replaced the head too.
  const own = broken?.kind === 'stray' ? undefined : verifier.problem
  const problems = [broken, own, await verifier.duplicates.confirm(linesOf(path, signal))]
  return await report(path, verifier, { state, problem: firstOf(problems) }, options.clock)
}

async function explain(
  path: string,
  { end, lastOffset, isHeadInChain }: LogVerifier,
  head: Head | undefined,
  signal: AbortSignal,
): Promise<LogProblem> {
  await using handle = await openLog(path)
  const { size } = await handle.stat()
  return await explainBreak({ path, handle, size, signal, end, lastOffset, isHeadInChain, head })
}

function goneLog(path: string, { seq }: Head): DrayError {
  return new DrayError('corrupt', `the audit log ${path} does not exist`, {
    subject: path,
    why: `its head exists and counts ${seq} records`,
    hint: 'Restore the log from a copy, or rename its .head file.',
  })
}

async function report(
  path: string,
  verifier: LogVerifier,
  {
    state,
    problem,
  }: { readonly state: Head | 'missing' | 'damaged'; readonly problem: LogProblem | undefined },
  clock: Clock,
): Promise<LogReport> {
  const alive: OpenIntent[] = []
  const lost: OpenIntent[] = []
  for (const intent of verifier.open.list()) {
    const lives = await isAlive(path, intent.record.run, clock)
    ;(lives ? alive : lost).push(intent)
  }
  return {
    end: verifier.end,
    ...(problem !== undefined && { problem }),
    span: verifier.span,
    head: headState(state, verifier),
    torn: verifier.torn,
    counts: verifier.counts,
    ...(verifier.times.backward !== undefined && { backward: verifier.times.backward }),
    open: { alive, lost },
  }
}

function headState(state: Head | 'missing' | 'damaged', verifier: LogVerifier): LogReport['head'] {
  if (typeof state === 'string') return state
  if (!verifier.isHeadInChain) return 'differs'
  return state.seq < verifier.end.seq ? 'behind' : 'agrees'
}

/** The first problem by its line; of two at one line the first of the list. */
function firstOf(problems: readonly (LogProblem | undefined)[]): LogProblem | undefined {
  return problems.reduce((first, one) =>
    first === undefined || (one !== undefined && one.line < first.line) ? one : first,
  )
}

/** Verifies one line after the other. */
class LogVerifier {
  end: Position = startOfChain
  span: LogReport['span']
  torn = 0
  isOver = false
  /** a line does not follow the one before it */
  isBroken = false
  /** offset of the last accepted line */
  lastOffset = 0
  readonly open = new OpenIntents()
  readonly duplicates = new Duplicates()
  readonly times = new TimeOrder()
  readonly counts = { intent: 0, outcome: 0, refused: 0, recovered: 0 }
  readonly #head: Head | undefined
  #problem: LogProblem | undefined
  /** offset of the line of which the head has another hash */
  #differsAt: number | undefined
  /** intents of this batch, of which only some fields were read */
  readonly #intents: { readonly line: LogLine; readonly entry: LogEntry }[] = []

  constructor(head: Head | undefined) {
    this.#head = head
  }

  take(line: LogLine): void {
    const skimmed = this.#skim(line)
    const entry = skimmed ?? parseEntry(line)
    if (entry === undefined || (skimmed === undefined && !isNext(line.raw, this.end)))
      return this.#endAt(line, entry)
    const why = skimmed === undefined ? this.#findProblem(line, entry) : undefined
    if (why !== undefined) {
      this.isOver = true
      this.#problem = { kind: 'invalid', line: this.end.seq + 1, offset: line.offset, why }
      return
    }
    this.lastOffset = line.offset
    this.end = advance(this.end, line.raw)
    this.span = { first: this.span?.first ?? entry.time, last: entry.time }
    this.counts[entry.phase]++
    this.times.note(entry.time, this.end.seq)
    this.duplicates.note(entry, line.offset, entry.phase === 'intent' && this.open.has(entry))
    this.open.note(entry, line.offset)
    if (entry.phase === 'intent') this.#intents.push({ line, entry })
    if (this.#head?.seq === this.end.seq) this.#compare(this.#head)
  }

  /** Call this after each batch of lines: parses the intents that may be reported. */
  readOpenIntents(): void {
    for (const { line, entry } of this.#intents.splice(0)) {
      const whole = entry.phase === 'intent' && this.open.has(entry) ? parseEntry(line) : undefined
      if (whole !== undefined) this.open.note(whole, line.offset)
    }
  }

  /** The problem, apart from a break of the chain. */
  get problem(): LogProblem | undefined {
    if (this.#problem !== undefined || this.#head === undefined) return this.#problem
    if (this.#differsAt !== undefined) {
      const why = 'it was changed: the head has a different hash of it'
      return { kind: 'changed', line: this.#head.seq, offset: this.#differsAt, why }
    }
    const { seq, size } = this.end
    if (this.isBroken || seq >= this.#head.seq) return undefined
    const cut =
      this.torn > 0 ? 'it was cut in the middle' : seq === 0 ? 'the log is empty' : 'the log was cut'
    const why = `${cut}: the head counts ${this.#head.seq} records`
    return { kind: 'removed', line: seq + 1, offset: size, why }
  }

  get isHeadInChain(): boolean {
    return this.#head !== undefined && this.#head.seq <= this.end.seq && this.#differsAt === undefined
  }

  /** The record of a line in which nothing is wrong; undefined if the line has to be parsed. */
  #skim({ raw, state }: LogLine): LogEntry | undefined {
    const isSure = state === 'whole' && isNext(raw, this.end) && isUtf8(raw)
    return isSure ? skimRecord(raw) : undefined
  }

  #findProblem(line: LogLine, entry: LogEntry): string | undefined {
    if (!isUtf8(line.raw)) return 'it is not UTF-8'
    if (entry.seq !== this.end.seq + 1 || entry.prev !== this.end.hash)
      return 'it has the seq or prev field twice'
    return findRecordProblem(entry)
  }

  #compare(head: Head): void {
    if (head.hash !== this.end.hash || head.size !== this.end.size) this.#differsAt = this.lastOffset
  }

  /** The last line may be a torn record. */
  #endAt(line: LogLine, entry: LogEntry | undefined): void {
    this.isOver = true
    if (entry === undefined && line.state === 'torn' && canBeTorn(line.raw, this.end)) {
      this.torn = line.raw.byteLength
    } else {
      this.isBroken = true
    }
  }
}
