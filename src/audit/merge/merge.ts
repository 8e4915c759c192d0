import { hash } from 'node:crypto'
import { DrayError } from '../../lib/errors.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import { advance, maxLineSize, type Position, startOfChain } from '../log/chain.ts'
import { type ChainedLine, followChain, type LogLines } from '../query/log-lines.ts'
import { bodyOf, lineOf } from './origin.ts'
import type { LogRecord } from '../log/record.ts'
import { findRecordProblem } from '../log/record-problems.ts'

/** Limits the open files. More logs are merged in several steps. */
const maxSources = 256

export interface MergeSource {
  /** the name of the log in the merged lines; unique */
  readonly name: string
  /** All lines of the log; called twice. */
  lines(): LogLines
}

/** The result of the first pass. */
export interface Survey {
  readonly sources: readonly SurveyedSource[]
  /** of all sources together; the merged log has fewer if records are repeated */
  readonly lines: number
  /** hashes of ids that may occur more than once */
  readonly repeated: ReadonlySet<number>
}

interface SurveyedSource {
  readonly source: MergeSource
  readonly lines: number
  readonly head: Hash | null
}

/** A line of the merged log without its line break, and the end of the chain after it. */
export interface MergedLine {
  readonly line: Buffer
  /** as in its source */
  readonly record: LogRecord
  readonly position: Position
}

/** A source and its next line. */
interface Cursor extends SurveyedSource {
  readonly rest: AsyncGenerator<ChainedLine, void, undefined>
  readonly next: ChainedLine
  /** the latest time up to this line: the lines of a log keep their order */
  readonly time: number
}

/**
 * Reads every log once and verifies its chain before anything is merged. Keeps eight bytes for each
 * record. @throws `corrupt` at the first line that is not a record or does not follow; `usage` for
 * too many logs or a repeated name.
 */
export async function surveyLogs(sources: readonly MergeSource[]): Promise<Survey> {
  checkSources(sources)
  const prints: number[] = []
  const surveyed: SurveyedSource[] = []
  for (const source of sources) {
    let end = startOfChain
    for await (const { entry, position } of followChain(source.lines(), source.name)) {
      const complaint = findRecordProblem(entry)
      if (complaint !== undefined) throw notARecord(source.name, position.seq, complaint)
      prints.push(printOf(entry.id))
      end = position
    }
    surveyed.push({ source, lines: end.seq, head: end.hash })
  }
  return { sources: surveyed, lines: prints.length, repeated: repeatedIn(prints) }
}

/**
 * Merges surveyed logs into one new chain, ordered by time. The lines of a log keep their order. A
 * record that is in several logs is written once. Each line names its log and its position there,
 * so that the original can be restored. @throws `corrupt` if two records with one id differ;
 * `conflict` if a log changed since the survey.
 */
export async function* mergeLogs(survey: Survey): AsyncGenerator<MergedLine, void, undefined> {
  let position = startOfChain
  const seen = new Map<string, { readonly body: Digest; readonly in: string }>()
  for await (const { source, head, next } of inOrder(survey)) {
    const { entry, raw } = next
    const body = bodyOf(raw, entry, source.name)
    if (survey.repeated.has(printOf(entry.id))) {
      const digest = digestOf(body.bytes)
      const first = seen.get(entry.id)
      if (first?.body === digest) continue
      if (first !== undefined) throw differing(entry.id, first.in, source.name)
      seen.set(entry.id, { body: digest, in: source.name })
    }
    const { seq, prev } = entry
    const nested = body.origin === undefined ? {} : { origin: body.origin }
    // A source with a line has a head.
    const origin = { log: source.name, head: head ?? '', seq, prev, ...nested }
    const line = lineOf({ bytes: body.bytes, origin }, position)
    if (line.byteLength > maxLineSize) throw tooLong(source.name, seq)
    position = advance(position, line)
    yield { line, record: entry, position }
  }
}

async function* inOrder(survey: Survey): AsyncGenerator<Cursor, void, undefined> {
  const cursors: Cursor[] = []
  try {
    for (const surveyed of survey.sources) {
      const rest = followChain(surveyed.source.lines(), surveyed.source.name)
      const first = await step({ ...surveyed, rest }, -Infinity, 0)
      if (first !== undefined) cursors.push(first)
    }
    for (;;) {
      const earliest = cursors.reduce<Cursor | undefined>(
        (best, cursor) => (best === undefined || cursor.time < best.time ? cursor : best),
        undefined,
      )
      if (earliest === undefined) return
      yield earliest
      const following = await step(earliest, earliest.time, earliest.next.position.seq)
      cursors.splice(cursors.indexOf(earliest), 1, ...(following === undefined ? [] : [following]))
    }
  } finally {
    await Promise.all(cursors.map(({ rest }) => rest.return()))
  }
}

/** The cursor at the next line of the source; undefined after the last line of the survey. */
async function step(
  at: SurveyedSource & Pick<Cursor, 'rest'>,
  after: number,
  taken: number,
): Promise<Cursor | undefined> {
  const { source, lines, head, rest } = at
  if (taken === lines) {
    await rest.return()
    return undefined
  }
  const { value: next } = await rest.next()
  if (next === undefined) throw changed(source.name)
  if (next.position.seq === lines && next.position.hash !== head) throw changed(source.name)
  const time = Date.parse(next.entry.time)
  return { source, lines, head, rest, next, time: time > after ? time : after }
}

function checkSources(sources: readonly MergeSource[]): void {
  const names = new Set(sources.map(({ name }) => name))
  if (names.size < sources.length) {
    throw new DrayError('usage', 'a log is named more than once', {
      hint: 'Name each log once.',
    })
  }
  if (sources.length > maxSources) {
    throw new DrayError('usage', `cannot merge ${sources.length} logs at once`, {
      hint: `Merge up to ${maxSources} logs at a time, and then merge the results.`,
    })
  }
}

/** 48 bits of a hash of an id, an exact number: enough to find the few ids to compare. */
function printOf(id: string): number {
  return hash('sha256', id, 'buffer').readUIntBE(0, 6)
}

function repeatedIn(prints: readonly number[]): ReadonlySet<number> {
  const sorted = Float64Array.from(prints).sort()
  return new Set(sorted.filter((print, i) => i > 0 && print === sorted[i - 1]))
}

function notARecord(name: string, seq: number, why: string): DrayError {
  return new DrayError('corrupt', `line ${seq} of ${name} is not a record`, { subject: name, why })
}

function differing(id: string, first: string, second: string): DrayError {
  return new DrayError('corrupt', `two logs have different records with the id ${JSON.stringify(id)}`, {
    subject: second,
    why: `${first} has another record with this id`,
    hint: 'Verify each log against its checkpoints with dray audit verify. One of the two records was changed.',
  })
}

function changed(name: string): DrayError {
  return new DrayError('conflict', `${name} changed while dray merged it`, {
    subject: name,
    hint: 'Run the command again.',
  })
}

function tooLong(name: string, seq: number): DrayError {
  return new DrayError('unsupported', `line ${seq} of ${name} is too long to merge again`, {
    subject: name,
  })
}
