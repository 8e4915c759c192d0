import { stat } from 'node:fs/promises'
import { DrayError, formatCause, toErrorInfo } from '../../lib/errors.ts'
import { ifThere } from '../../lib/files/io-error.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { RecordedOperation } from '../../plan/plan.ts'
import { claimedSeq, type LogLine, parseEntry } from '../log/chain.ts'
import { findEntryProblem } from '../log/entry-problems.ts'
import { readHead } from '../log/head.ts'
import { stepKey } from '../log/open-intents.ts'
import type { AuditRecord, LogEntry } from '../log/record.ts'
import { linesOf } from '../query/log-lines.ts'

/** The tags of one repository by the records of dray. */
export interface RepositoryMoves {
  /** by digest: the newest time at which dray put a tag on it, or may have */
  readonly puts: ReadonlyMap<Digest, TagPut>
  /** each tag and digest that it pointed to before once, with the newest move */
  readonly superseded: readonly SupersededDigest[]
  /** indexes that were copied without some of their platforms on purpose */
  readonly sparse: ReadonlySet<Digest>
}

interface TagPut {
  readonly tag: string
  /** milliseconds since 1970 */
  readonly at: number
}

/** A digest that a tag pointed to before. The tag may be on it again. */
export interface SupersededDigest {
  readonly tag: string
  readonly digest: Digest
  /** when the tag was moved to another digest, in milliseconds since 1970 */
  readonly at: number
}

export const noMoves: RepositoryMoves = { puts: new Map(), superseded: [], sparse: new Set() }

/** The operations that put a tag on a digest for good. */
const placing: ReadonlySet<RecordedOperation> = new Set([
  'promote',
  'copy',
  'tag',
  'rollback',
  'sync',
  'bundle',
])

/** Other lines are not parsed. Lines have the exact bytes that dray wrote. */
const relevant = ['"kind":"tag"', '"kind":"deleteManifest"', '"sparse":{'].map((text) => Buffer.from(text))

/** Relevant after a sparse copy, which a copy of all platforms completes. */
const copyText = Buffer.from('"kind":"copy"')

/** Names of repositories that are remembered with their identity. */
const maxNames = 10_000

export interface TagMovesOptions {
  /** the identities of the repositories that matter; nothing is kept of the others */
  readonly identities: ReadonlySet<string>
  /** returns one text for all names of a repository */
  readonly identify: (repository: RepositoryName) => string
  readonly signal: AbortSignal
}

/**
 * Reads the audit log at `path` once and returns the moves of tags in each repository, by identity.
 * Steps that failed do not count. A step without an outcome may have put its tag, so it counts as a
 * put. Memory grows with the digests of the repositories, not with the log. A log that does not
 * exist has no moves.
 * @throws `audit` if the log cannot be read, was cut, or has a line that is no record: the newest
 * moves may be missing then.
 */
export async function readTagMoves(
  path: string,
  options: TagMovesOptions,
): Promise<ReadonlyMap<string, RepositoryMoves>> {
  const reading = new MovesReading(options)
  try {
    // The head is read first: a writer appends to the log before it replaces the head.
    const head = await readHead(path)
    const stats = await ifThere(stat(path), path)
    const least = typeof head === 'string' ? 0 : head.size
    if (stats === undefined && least === 0) return new Map()
    if (stats === undefined) throw new DrayError('audit', 'it is missing, and its head exists')
    if (stats.isFile() && stats.size < least)
      throw new DrayError('audit', `it was cut: it has ${stats.size} bytes, and its head counts ${least}`)
    for await (const lines of linesOf(path, options.signal)) for (const line of lines) reading.note(line)
  } catch (error) {
    options.signal.throwIfAborted()
    throw unreadable(path, error)
  }
  return reading.end()
}

function unreadable(path: string, error: unknown): DrayError {
  return new DrayError('audit', 'cannot read the times of promotions from the audit log', {
    subject: path,
    why: `${formatCause(toErrorInfo(error))}. Without these times, dray could delete an image that was just promoted`,
    hint: 'Find the problem: dray audit verify. To use another log, pass --audit-file. To decide without records, remove `promoted` from timeFrom, and rules of the kinds superseded and broken.',
    cause: error,
  })
}

/** The moves in one repository while the log is read. */
interface Moves {
  readonly puts: Map<Digest, TagPut>
  /** by digest, then by tag */
  readonly superseded: Map<Digest, Map<string, number>>
  readonly sparse: Set<Digest>
}

/** A put of a step that has no outcome yet. */
interface OpenPut extends TagPut {
  readonly identity: string
  readonly digest: Digest
}

class MovesReading {
  readonly #options: TagMovesOptions
  readonly #moves = new Map<string, Moves>()
  readonly #open = new Map<string, OpenPut>()
  readonly #identities = new Map<string, string>()
  #seq = 0
  #hasSparse = false

  constructor(options: TagMovesOptions) {
    this.#options = options
  }

  /** @throws `audit` for a line that is no record of dray. A torn line at the end is none yet. */
  note(line: LogLine): void {
    const { raw, state } = line
    if (state === 'torn') return
    const seq = claimedSeq(raw)
    if (state === 'tooLong' || seq === undefined) throw damaged(line, 'it is not a record')
    // A run that was suspended may have left lines with older numbers behind the end.
    if (this.#seq > 0 && seq > this.#seq + 1)
      throw damaged(line, `record ${this.#seq + 1} is missing before it`)
    this.#seq = Math.max(this.#seq, seq)
    const isRelevant = relevant.some((text) => raw.includes(text))
    if (!isRelevant && !(this.#hasSparse && raw.includes(copyText))) return
    const entry = parseEntry(line)
    if (entry === undefined) throw damaged(line, 'it is not a record')
    const problem = findEntryProblem(entry)
    if (problem !== undefined) throw damaged(line, problem)
    if (entry.phase === 'intent' || entry.phase === 'outcome') this.#noteStep(entry)
  }

  /** Counts steps without an outcome as well. */
  end(): ReadonlyMap<string, RepositoryMoves> {
    for (const { identity, digest, tag, at } of this.#open.values())
      putNewest(this.#of(identity), digest, { tag, at })
    return new Map(
      [...this.#moves].map(([identity, { puts, superseded, sparse }]) => {
        const all = [...superseded].flatMap(([digest, tags]) =>
          [...tags].map(([tag, at]) => ({ tag, digest, at })),
        )
        return [identity, { puts, superseded: all, sparse }]
      }),
    )
  }

  #noteStep(record: AuditRecord & LogEntry): void {
    const { step, operation } = record
    if (step?.kind === 'deleteManifest') return this.#noteDelete(record)
    if (step?.kind === 'copy') return this.#noteCopy(record)
    if (step?.kind !== 'tag' || !placing.has(operation)) return
    const identity = this.#identify(step.repository)
    if (!this.#options.identities.has(identity)) return
    const key = stepKey(record) ?? ''
    const put = { tag: step.tag, at: Date.parse(record.time) }
    const { digest } = step.target
    if (record.phase === 'intent') {
      this.#open.set(key, { ...put, identity, digest })
      return
    }
    this.#open.delete(key)
    if (!isDone(record)) return
    const moves = this.#of(identity)
    putNewest(moves, digest, put)
    const before = record.before ?? undefined
    if (record.result !== 'done' || before === undefined || before === digest) return
    const tags = moves.superseded.get(before) ?? new Map<string, number>()
    moves.superseded.set(before, tags.set(step.tag, Math.max(tags.get(step.tag) ?? 0, put.at)))
  }

  /** A copy of all platforms completes an index that was sparse. */
  #noteCopy(record: AuditRecord & LogEntry): void {
    const { step, sparse } = record
    if (step?.kind !== 'copy' || !isDone(record)) return
    const identity = this.#identify(step.to)
    if (!this.#options.identities.has(identity)) return
    if (sparse === undefined) {
      this.#moves.get(identity)?.sparse.delete(step.root.digest)
      return
    }
    this.#hasSparse = true
    this.#of(identity).sparse.add(step.root.digest)
  }

  /** A digest that dray has deleted does not remain, unless a tag is moved from it again. */
  #noteDelete(record: AuditRecord & LogEntry): void {
    const { step, phase, result, before } = record
    if (phase !== 'outcome' || step?.kind !== 'deleteManifest') return
    const isGone = result === 'done' || (result === 'unchanged' && before === null)
    if (isGone) this.#moves.get(this.#identify(step.repository))?.superseded.delete(step.target.digest)
  }

  #of(identity: string): Moves {
    const known = this.#moves.get(identity)
    if (known !== undefined) return known
    const moves = { puts: new Map(), superseded: new Map(), sparse: new Set<Digest>() }
    this.#moves.set(identity, moves)
    return moves
  }

  /** A log names few repositories in very many records. */
  #identify(repository: RepositoryName): string {
    const name = `${repository.registry} ${repository.path}`
    const known = this.#identities.get(name)
    if (known !== undefined) return known
    const identity = this.#options.identify(repository)
    if (this.#identities.size >= maxNames) this.#identities.clear()
    this.#identities.set(name, identity)
    return identity
  }
}

function isDone({ phase, result }: AuditRecord): boolean {
  return phase === 'outcome' && (result === 'done' || result === 'unchanged')
}

function putNewest({ puts }: Moves, digest: Digest, put: TagPut): void {
  const known = puts.get(digest)
  if (known === undefined || known.at <= put.at) puts.set(digest, put)
}

function damaged({ offset }: LogLine, why: string): DrayError {
  return new DrayError('audit', `the line at byte ${offset} is damaged`, { why })
}
