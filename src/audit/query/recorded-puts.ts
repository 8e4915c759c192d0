import { stat } from 'node:fs/promises'
import { ifThere, ioError } from '../../lib/files/io-error.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { RecordedOperation } from '../../plan/plan.ts'
import { type LogLine, parseEntry } from '../log/chain.ts'
import { readHead } from '../log/head.ts'
import { stepKey } from '../log/open-intents.ts'
import type { AuditRecord, LogEntry } from '../log/record.ts'
import { affectedBy } from './affected.ts'
import { openLog, readLines } from './read-log.ts'

/** A step that puts content or a tag into a repository. */
export interface RecordedPut {
  readonly run: string
  readonly operation: RecordedOperation
  /** the user who ran dray */
  readonly user: string
  readonly repository: RepositoryName
  /** a manifest that it puts there, or attests */
  readonly digest: Digest
  /** the tag that it puts on the digest; absent if it puts content alone */
  readonly tag?: string
  /** the repository that the content comes from */
  readonly from?: RepositoryName
}

/** Records of deletes are skipped without parsing: they put nothing anywhere. */
const ofPrune = Buffer.from('"operation":"prune"')

/**
 * The puts of runs into repositories since a moment, according to an audit log: steps that were
 * under way then, and those that began afterwards, without those that failed. Each call reads only
 * the lines since the last call, and nothing if the log has the same size. It takes no lock and
 * writes nothing.
 */
export class RecordedPuts {
  readonly #path: string
  readonly #identify: (repository: RepositoryName) => string
  readonly #puts = new Map<string, Map<string, RecordedPut>>()
  /** the end of the log at the moment; outcomes before it are not news */
  #since = 0
  /** the end of the part that was read */
  #read: { readonly ino: number; readonly offset: number; readonly size: number } | undefined
  #reading: Promise<void> = Promise.resolve()
  /** why the beginning could not be found */
  #failure: { readonly reason: unknown } | undefined

  /** @param identify returns one text for all names of a repository */
  constructor(path: string, identify: (repository: RepositoryName) => string) {
    this.#path = path
    this.#identify = identify
  }

  /**
   * Remembers this moment. It reads only where open intents can begin. If that fails, `in` throws
   * the reason: a plan that is only shown does not need the log.
   */
  async begin(): Promise<void> {
    try {
      const stats = await ifThere(stat(this.#path), this.#path)
      if (stats === undefined) return
      const head = await readHead(this.#path)
      const { ino, size } = stats
      const settled = typeof head === 'string' || head.settled.offset > size ? 0 : head.settled.offset
      this.#since = size
      this.#read = { ino, offset: settled, size: settled }
    } catch (reason) {
      this.#failure = { reason }
    }
  }

  /** Returns the puts into a repository up to now. @throws `io` */
  async in(repository: RepositoryName): Promise<readonly RecordedPut[]> {
    const reading = this.#reading.catch(() => undefined).then(() => this.#readNew())
    this.#reading = reading
    await reading
    return [...(this.#puts.get(this.#identify(repository))?.values() ?? [])]
  }

  async #readNew(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.reason
    try {
      const stats = await ifThere(stat(this.#path), this.#path)
      const known = this.#read
      if (stats === undefined || (stats.ino === known?.ino && stats.size === known.size)) return
      await using handle = await openLog(this.#path)
      const { ino, size } = await handle.stat()
      // Another file replaced the log, or a writer took back lines that it could not sync.
      let offset = ino === known?.ino ? Math.min(known.offset, size) : 0
      for await (const lines of readLines(handle, offset, size)) {
        for (const line of lines) {
          if (line.state !== 'whole') break
          this.#note(line)
          offset = line.offset + line.raw.byteLength + 1
        }
      }
      this.#read = { ino, offset, size }
    } catch (cause) {
      throw ioError(cause, `cannot read the audit log ${this.#path}`, this.#path)
    }
  }

  #note(line: LogLine): void {
    if (line.raw.includes(ofPrune)) return
    const entry = parseEntry(line)
    if (entry?.phase !== 'intent' && entry?.phase !== 'outcome') return
    const [key, put] = [stepKey(entry), putOf(entry)]
    if (key === undefined || put === undefined) return
    const identity = this.#identify(put.repository)
    const puts = this.#puts.get(identity) ?? new Map<string, RecordedPut>()
    this.#puts.set(identity, puts)
    if (this.#isInEffect(entry, line.offset)) puts.set(key, put)
    else puts.delete(key)
  }

  #isInEffect({ phase, result }: AuditRecord & LogEntry, offset: number): boolean {
    if (phase === 'intent') return true
    return offset >= this.#since && (result === 'done' || result === 'unchanged')
  }
}

/** The put of a record; undefined if it names no content. */
export function putOf(record: AuditRecord): RecordedPut | undefined {
  const affected = affectedBy(record)
  if (affected === undefined) return undefined
  const { repository, digest, tag, from } = affected
  const { run, operation, actor } = record
  return {
    run,
    operation,
    user: actor.user,
    repository,
    digest,
    ...(tag !== undefined && { tag }),
    ...(from !== undefined && { from }),
  }
}
