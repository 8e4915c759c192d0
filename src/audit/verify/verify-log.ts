import { isUtf8 } from 'node:buffer'
import type { Clock } from '../../lib/clock.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import { advance, isNext, type LogLine, parseEntry, type Position, startOfChain } from '../log/chain.ts'
import { Duplicates } from './duplicates.ts'
import { type Head, readHead } from '../log/head.ts'
import { isAlive } from '../log/heartbeat.ts'
import { type OpenIntent, OpenIntents } from '../log/open-intents.ts'
import { linesOf } from '../query/log-lines.ts'
import type { LogEntry } from '../log/record.ts'
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
  const verifier = new LogVerifier(await readHead(path))
  for await (const lines of linesOf(path, signal, options.onProgress)) {
    for (const line of lines) if (!verifier.isOver) verifier.take(line)
    if (verifier.isOver) break
  }
  const duplicate = await verifier.duplicates.confirm(linesOf(path, signal))
  return await report(path, verifier, duplicate, options.clock)
}

async function report(
  path: string,
  verifier: LogVerifier,
  duplicate: LogProblem | undefined,
  clock: Clock,
): Promise<LogReport> {
  const problem = earlier(verifier.finish(), duplicate)
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
    head: verifier.headState(),
    torn: verifier.torn,
    counts: verifier.counts,
    open: { alive, lost },
  }
}

function earlier(a: LogProblem | undefined, b: LogProblem | undefined): LogProblem | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return b.line < a.line ? b : a
}

/** Verifies one line after the other. */
class LogVerifier {
  end: Position = startOfChain
  span: LogReport['span']
  torn = 0
  isOver = false
  readonly open = new OpenIntents()
  readonly duplicates = new Duplicates()
  readonly counts = { intent: 0, outcome: 0, refused: 0, recovered: 0 }
  readonly #head: Head | 'missing' | 'damaged'
  #problem: LogProblem | undefined
  #differs = false
  /** offset of the last accepted line */
  #start = 0
  /** a line with a wrong `prev`: the next line shows which of the two was changed */
  #suspect: { readonly offset: number; readonly hash: Hash } | undefined

  constructor(head: Head | 'missing' | 'damaged') {
    this.#head = head
  }

  take(line: LogLine): void {
    if (this.#suspect !== undefined) return this.#blame(this.#suspect, prevOf(line.raw))
    const entry = parseEntry(line)
    if (entry === undefined) return this.#noRecord(line)
    if (!isNext(line.raw, this.end)) return this.#outOfPlace(line, entry)
    const found = this.#findProblem(line, entry)
    if (found !== undefined) return this.#stop(this.end.seq + 1, line.offset, found)
    this.#start = line.offset
    this.end = advance(this.end, line.raw)
    this.span = { first: this.span?.first ?? entry.time, last: entry.time }
    this.counts[entry.phase]++
    this.duplicates.note(entry, line.offset, entry.phase === 'intent' && this.open.has(entry))
    this.open.note(entry, line.offset)
    if (typeof this.#head !== 'string' && this.#head.seq === this.end.seq) this.#compare(this.#head)
  }

  finish(): LogProblem | undefined {
    const { seq, size } = this.end
    if (this.#suspect !== undefined) this.#blame(this.#suspect, undefined)
    if (this.#problem === undefined && typeof this.#head !== 'string' && seq < this.#head.seq) {
      this.#differs = true
      const behind = this.torn > 0 ? 'it was cut in the middle' : 'it is not there'
      this.#stop(seq + 1, size, `${behind}: the head tells of ${this.#head.seq} records`)
    }
    return this.#problem
  }

  headState(): LogReport['head'] {
    if (typeof this.#head === 'string') return this.#head
    if (this.#differs) return 'differs'
    return this.#head.seq < this.end.seq ? 'behind' : 'agrees'
  }

  #findProblem(line: LogLine, entry: LogEntry): string | undefined {
    if (!isUtf8(line.raw)) return 'it is not UTF-8'
    if (entry.seq !== this.end.seq + 1 || entry.prev !== this.end.hash) return 'it has its place twice'
    return findRecordProblem(entry)
  }

  #compare(head: Head): void {
    if (head.hash === this.end.hash && head.size === this.end.size) return
    this.#differs = true
    this.#stop(head.seq, this.#start, 'it was changed: the head has another hash of it')
  }

  /** The last line may be a torn record. */
  #noRecord(line: LogLine): void {
    if (line.state === 'torn' && canBeTorn(line.raw, this.end)) {
      this.torn = line.raw.byteLength
      this.isOver = true
      return
    }
    this.#stop(
      this.end.seq + 1,
      line.offset,
      line.state === 'tooLong' ? 'it is longer than a line may be' : 'it is not a record',
    )
  }

  #outOfPlace(line: LogLine, entry: LogEntry): void {
    const { seq } = this.end
    if (!line.raw.toString('latin1', 0, 64).startsWith(`{"seq":${seq + 1},"prev":`)) {
      const number = JSON.stringify(entry.seq) ?? 'nothing'
      return this.#stop(seq + 1, line.offset, `its number is not ${seq + 1}: it says ${number}`)
    }
    this.#suspect = { offset: line.offset, hash: digestOf(line.raw) }
  }

  /** `prev` is that of the line after the suspect. At the end, the head replaces it. */
  #blame(suspect: { readonly offset: number; readonly hash: Hash }, prev: Hash | undefined): void {
    const at = this.end.seq + 1
    const head = typeof this.#head !== 'string' && this.#head.seq === at ? this.#head.hash : undefined
    const actual = prev ?? head
    this.#suspect = undefined
    if (at > 1 && (actual === undefined || actual === suspect.hash)) {
      const why = `it was changed: line ${at} has another hash of it`
      return this.#stop(at - 1, this.#start, why)
    }
    this.#stop(at, suspect.offset, 'its hash of the line before is not right')
  }

  #stop(line: number, offset: number, why: string): void {
    this.#problem ??= { line, offset, why }
    this.isOver = true
  }
}

function prevOf(line: Buffer): Hash | undefined {
  return /^\{"seq":\d{1,16},"prev":"(sha256:[0-9a-f]{64})",/.exec(line.toString('latin1', 0, 128))?.[1]
}
