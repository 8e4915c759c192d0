import type { FileHandle } from 'node:fs/promises'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { makeFolder, syncFolder } from '../../lib/files/atomic.ts'
import { hintUnlessDisk, ifThere, ioError } from '../../lib/files/io-error.ts'
import { type HeldLock, withLock } from '../../lib/files/lock.ts'
import { type LogEnd, LogFollower } from '../query/follow-log.ts'
import { openToAppend, readLines } from '../query/read-log.ts'
import { appendLines, formatLines, type Lines, type LockedLog, takeBack } from './append-lines.ts'
import { parseEntry, type Position } from './chain.ts'
import { writeHead } from './head.ts'
import { type Heartbeat, startHeartbeat } from './heartbeat.ts'
import type { OpenIntent } from './open-intents.ts'
import type { AuditRecord, LogRecord } from './record.ts'
import type { AuditSink } from './sink.ts'
import { keepTail, type TailPart, removeTail } from './kept-tail.ts'

/** A process holds the lock for one write. If it holds it longer, its disk does not respond. */
const maxLockWaitMs = 60_000
/** A write is disturbed only if a process is suspended for seconds, so a few attempts suffice. */
const maxAttempts = 5

export interface ChainedLogOptions {
  readonly clock: Clock
  /** for the records that the log itself writes */
  readonly newId: () => string
  /** opens the log, by default as a file of the system */
  readonly openFile?: typeof openToAppend
}

/**
 * An audit log: JSON Lines, each with its number and the hash of the line before. `write` resolves
 * when the records are on disk. Several processes may append to one log. Records that arrive during
 * a sync are written together with the next one, so the intents of many steps cost two syncs.
 *
 * A write, under the lock: check the log against its head, append all lines, sync, write the head.
 * After a crash the log is longer than its head. The next write verifies the rest and continues.
 * `kept-tail.ts` keeps a torn line, and stray lines of a run that was suspended when it wrote
 * (`stray-lines.ts`). A run that finds out that it was suspended writes its records again, unless
 * they are in the chain.
 */
export class ChainedLog implements AuditSink, AsyncDisposable {
  readonly path: string
  readonly #options: ChainedLogOptions
  readonly #openFile: typeof openToAppend
  readonly #follower: LogFollower
  readonly #heartbeats = new Map<string, Heartbeat>()
  #isPathChecked = false
  #waiting: AuditRecord[] = []
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(path: string, options: ChainedLogOptions) {
    this.path = path
    this.#options = options
    this.#openFile = options.openFile ?? openToAppend
    this.#follower = new LogFollower(path)
  }

  /**
   * Starts the heartbeat of a run before its first intent; it lasts until `close`. Skips a record
   * with `resolvedBy` if another process has written the outcome.
   */
  async write(records: readonly AuditRecord[]): Promise<void> {
    if (records.length === 0) return
    this.#waiting.push(...records)
    this.#next ??= this.#afterLast()
    return this.#next
  }

  /**
   * The open intents of all runs, in the order of the log. Takes the lock only if there may be one,
   * or if the log does not agree with its head. @throws `audit` for a damaged log.
   */
  async openIntents(): Promise<readonly OpenIntent[]> {
    return this.#reported(async () => {
      const folder = dirname(this.path)
      if ((await ifThere(stat(folder), folder)) === undefined) return []
      if (await this.#isSettled()) return []
      return this.#locked(async () => {
        await using handle = await this.#openFile(this.path, false)
        if (handle === undefined) await this.#follower.checkNew()
        else await this.#follower.follow(handle)
        return handle === undefined ? [] : this.#follower.open.list()
      })
    })
  }

  /** Waits for pending writes and ends the heartbeats of this process. */
  async close(): Promise<void> {
    await (this.#next ?? this.#last).catch(() => undefined)
    const heartbeats = [...this.#heartbeats.values()]
    this.#heartbeats.clear()
    await Promise.all(heartbeats.map((one) => one.end()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #afterLast(): Promise<void> {
    await this.#last.catch(() => undefined)
    const records = this.#waiting
    this.#waiting = []
    this.#last = this.#reported(() => this.#commit(records))
    this.#next = undefined
    return this.#last
  }

  async #commit(records: readonly AuditRecord[]): Promise<void> {
    await this.#checkPath()
    await makeFolder(dirname(this.path), 0o700)
    /** the end of the log before the first attempt */
    let before: Position | undefined
    await this.#locked(async (lock) => {
      await using handle = await this.#open()
      const followed = await this.#follower.follow(handle)
      const written = before && (await findRecords(records, handle, before, followed.end))
      before ??= followed.end
      await this.#beat(records)
      const pending = records.filter(
        (one) =>
          written?.has(one.id) !== true && (one.resolvedBy === undefined || this.#follower.open.has(one)),
      )
      const parts = await keepTail(this.path, handle, followed)
      const lines = formatLines([...this.#recovered(parts, records), ...pending], followed.end)
      if (lines.text === '') return
      await this.#append(lines, followed, { handle, lock })
      if (parts.length > 0) await removeTail(this.path)
    })
  }

  /** Refuses a file of another program before dray creates a lock or a folder beside it. */
  async #checkPath(): Promise<void> {
    if (this.#isPathChecked) return
    await using handle = await this.#openFile(this.path, false)
    if (handle !== undefined) await this.#follower.checkPath(handle)
    this.#isPathChecked = true
  }

  /** As `#checkPath`. Returns whether the log is whole and has no open intent. */
  async #isSettled(): Promise<boolean> {
    await using handle = await this.#openFile(this.path, false)
    const head = handle && (await this.#follower.checkPath(handle))
    this.#isPathChecked = true
    return handle !== undefined && head !== undefined && (await this.#follower.isSettled(handle, head))
  }

  async #open(): Promise<FileHandle> {
    const handle = await this.#openFile(this.path, false)
    if (handle !== undefined) return handle
    await this.#follower.checkNew()
    return this.#openFile(this.path, true)
  }

  async #append(lines: Lines, followed: LogEnd, log: LockedLog): Promise<void> {
    const { end } = followed
    try {
      await appendLines(lines.text, followed, log)
      if (end.size === 0) await syncFolder(dirname(this.path))
      for (const { entry, offset } of lines.entries) this.#follower.open.note(entry, offset)
      await writeHead(this.path, { ...lines.end, settled: this.#follower.open.settled(lines.end) })
      this.#follower.wrote(lines.end.size)
    } catch (cause) {
      this.#follower.forget()
      // No head covers these lines. If they stay, the next write verifies them.
      if (!isConflict(cause)) await takeBack(lines.text, end, log).catch(() => undefined)
      throw cause
    }
  }

  #recovered(parts: readonly TailPart[], [first]: readonly AuditRecord[]): readonly LogRecord[] {
    if (first === undefined) return []
    const { newId, clock } = this.#options
    const time = new Date(clock.now()).toISOString()
    const { run } = first
    return parts.map((part) => ({
      schema: 'dray.audit/1',
      id: newId(),
      run,
      time,
      phase: 'recovered',
      ...part,
    }))
  }

  /**
   * Starts the heartbeats of the runs of these intents, or renews them: if this process was
   * suspended, the other runs may take its runs for dead.
   */
  async #beat(records: readonly AuditRecord[]): Promise<void> {
    const runs = new Set(records.filter(({ phase }) => phase === 'intent').map(({ run }) => run))
    for (const run of runs) {
      const heartbeat = this.#heartbeats.get(run)
      if (heartbeat !== undefined) await heartbeat.renew()
      else this.#heartbeats.set(run, await startHeartbeat(this.path, run, this.#options.clock))
    }
  }

  /**
   * Does the work under the lock of the log. Repeats it if the lock was lost meanwhile or if
   * another process wrote without the lock, because the result, or an error, may be due to that.
   */
  async #locked<T>(work: (lock: HeldLock) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let isDisturbed = false
      const watched = async (lock: HeldLock): Promise<T> => {
        try {
          return await work(lock)
        } catch (error) {
          isDisturbed = isConflict(error) || (await isLost(lock))
          throw error
        }
      }
      try {
        return await this.#lockedOnce(watched)
      } catch (error) {
        if (!isDisturbed || attempt === maxAttempts) throw error
        this.#follower.forget()
      }
    }
  }

  async #lockedOnce<T>(work: (lock: HeldLock) => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const tooLong = new AbortController()
    const done = new AbortController()
    const waiting = clock.sleep(maxLockWaitMs, done.signal).then(
      () => tooLong.abort(new DrayError('timeout', `another process holds the lock of ${this.path}`)),
      () => undefined,
    )
    try {
      return await withLock(`${this.path}.lock`, { clock }, tooLong.signal, (held) => {
        done.abort('locked')
        return work(held)
      })
    } finally {
      done.abort('locked')
      await waiting
    }
  }

  async #reported<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      const cause = ioError(thrown, `cannot write ${this.path}`, this.path)
      if (isDrayError(cause) && cause.code === 'audit') throw cause
      const { message, why } = toErrorInfo(cause)
      throw new DrayError('audit', 'cannot write the audit record, and dray changes nothing more', {
        subject: this.path,
        why: why ?? message,
        hint:
          hintUnlessDisk(cause) ??
          'Free space or give this user write access, or pass another file with --audit-file.',
        cause,
      })
    }
  }
}

/** The ids of those of the records that are in the log between two positions of its chain. */
async function findRecords(
  records: readonly AuditRecord[],
  handle: FileHandle,
  start: Position,
  end: Position,
): Promise<ReadonlySet<string>> {
  const ids = new Set(records.map(({ id }) => id))
  const found = new Set<string>()
  for await (const lines of readLines(handle, start.size, end.size)) {
    for (const line of lines) {
      const id = parseEntry(line)?.id
      if (id !== undefined && ids.has(id)) found.add(id)
    }
  }
  return found
}

function isConflict(error: unknown): boolean {
  return isDrayError(error) && error.code === 'conflict'
}

async function isLost(lock: HeldLock): Promise<boolean> {
  try {
    await lock.check()
    return false
  } catch (error) {
    return isConflict(error)
  }
}
