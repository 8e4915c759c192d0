import type { FileHandle } from 'node:fs/promises'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError, toErrorInfo } from '../../lib/errors.ts'
import { makeFolder, syncFolder } from '../../lib/files/atomic.ts'
import { ifThere, ioError } from '../../lib/files/io-error.ts'
import { type HeldLock, withLock } from '../../lib/files/lock.ts'
import { advance, formatLine, type Position } from './chain.ts'
import { type LogEnd, LogFollower } from '../query/follow-log.ts'
import { writeHead } from './head.ts'
import { type Heartbeat, startHeartbeat } from './heartbeat.ts'
import type { OpenIntent } from './open-intents.ts'
import { openToAppend } from '../query/read-log.ts'
import type { AuditRecord, LogEntry, LogRecord } from './record.ts'
import type { AuditSink } from './sink.ts'
import { removeTail, saveTail, readTail, type TornTail } from './torn-tail.ts'

/** A process holds the lock for one write. If it holds it longer, its disk does not respond. */
const maxLockWaitMs = 60_000

export interface ChainedLogOptions {
  readonly clock: Clock
  /** for the records that the log itself writes */
  readonly newId: () => string
}

/**
 * An audit log: JSON Lines, each with its number and the hash of the line before. `write` resolves
 * when the records are on disk. Several processes may append to one log. Records that arrive during
 * a sync are written together with the next one, so the intents of many steps cost two syncs.
 *
 * A write, under the lock: check the log against its head, append all lines, sync, write the head.
 * After a crash the log is longer than its head. The next write verifies the rest and continues.
 * `torn-tail.ts` handles a torn line.
 */
export class ChainedLog implements AuditSink, AsyncDisposable {
  readonly place: string
  readonly #options: ChainedLogOptions
  readonly #follower: LogFollower
  readonly #heartbeats = new Map<string, Heartbeat>()
  #isPlaceChecked = false
  #waiting: AuditRecord[] = []
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(path: string, options: ChainedLogOptions) {
    this.place = path
    this.#options = options
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

  /** The open intents of all runs, in the order of the log. @throws `audit` for a damaged log. */
  async openIntents(): Promise<readonly OpenIntent[]> {
    return this.#reported(async () => {
      const folder = dirname(this.place)
      if ((await ifThere(stat(folder), folder)) === undefined) return []
      await this.#checkPlace()
      return this.#locked(async () => {
        await using handle = await openToAppend(this.place, false)
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
    await this.#checkPlace()
    await makeFolder(dirname(this.place), 0o700)
    await this.#locked(async (lock) => {
      await using handle = await this.#open()
      const followed = await this.#follower.follow(handle)
      await this.#startHeartbeats(records)
      const pending = records.filter((one) => one.resolvedBy === undefined || this.#follower.open.has(one))
      const kept = await this.#keepTorn(followed, handle)
      const lines = chain([...this.#recovered(kept, records), ...pending], followed.end)
      if (lines.text === '') return
      await this.#append(lines, followed, handle, lock)
      if (kept !== undefined) await removeTail(this.place)
    })
  }

  /** Refuses a file of another program before dray creates a lock or a folder beside it. */
  async #checkPlace(): Promise<void> {
    if (this.#isPlaceChecked) return
    await using handle = await openToAppend(this.place, false)
    if (handle !== undefined) await this.#follower.checkPlace(handle)
    this.#isPlaceChecked = true
  }

  async #open(): Promise<FileHandle> {
    const handle = await openToAppend(this.place, false)
    if (handle !== undefined) return handle
    await this.#follower.checkNew()
    return openToAppend(this.place, true)
  }

  async #append(lines: Lines, { end, torn }: LogEnd, handle: FileHandle, lock: HeldLock): Promise<void> {
    await lock.check()
    try {
      if (torn.byteLength > 0) await handle.truncate(end.size)
      await writeWhole(handle, Buffer.from(lines.text))
      await handle.datasync()
      if (end.size === 0) await syncFolder(dirname(this.place))
      for (const { entry, offset } of lines.entries) this.#follower.open.note(entry, offset)
      await writeHead(this.place, { ...lines.end, settled: this.#follower.open.settled(lines.end) })
      this.#follower.wrote(lines.end.size)
    } catch (cause) {
      await this.#takeBack(end, handle, lock)
      throw cause
    }
  }

  /** No head covers these lines. If they cannot be removed, the next write verifies them. */
  async #takeBack(end: Position, handle: FileHandle, lock: HeldLock): Promise<void> {
    this.#follower.forget()
    try {
      await lock.check()
      await handle.truncate(end.size)
      await handle.datasync()
    } catch {
      // The caller reports why the write failed.
    }
  }

  async #keepTorn({ end, torn }: LogEnd, handle: FileHandle): Promise<TornTail | undefined> {
    const kept = await readTail(this.place, handle)
    if (torn.byteLength === 0 || kept?.offset === end.size) return kept
    const tail = { offset: end.size, torn: torn.toString('base64') }
    await saveTail(this.place, tail)
    return tail
  }

  #recovered(kept: TornTail | undefined, [first]: readonly AuditRecord[]): readonly LogRecord[] {
    if (kept === undefined || first === undefined) return []
    const { newId, clock } = this.#options
    const time = new Date(clock.now()).toISOString()
    return [
      {
        schema: 'dray.audit/1',
        id: newId(),
        run: first.run,
        time,
        phase: 'recovered',
        torn: kept.torn,
      },
    ]
  }

  async #startHeartbeats(records: readonly AuditRecord[]): Promise<void> {
    const runs = new Set(records.filter(({ phase }) => phase === 'intent').map(({ run }) => run))
    for (const run of runs) {
      if (!this.#heartbeats.has(run))
        this.#heartbeats.set(run, await startHeartbeat(this.place, run, this.#options.clock))
    }
  }

  async #locked<T>(work: (lock: HeldLock) => Promise<T>): Promise<T> {
    const { clock } = this.#options
    const tooLong = new AbortController()
    const done = new AbortController()
    const waiting = clock.sleep(maxLockWaitMs, done.signal).then(
      () => tooLong.abort(new DrayError('timeout', `another process holds the lock of ${this.place}`)),
      () => undefined,
    )
    try {
      return await withLock(`${this.place}.lock`, { clock }, tooLong.signal, (held) => {
        done.abort()
        return work(held)
      })
    } finally {
      done.abort()
      await waiting
    }
  }

  async #reported<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      const cause = ioError(thrown, `${this.place} cannot be written`, this.place)
      if (isDrayError(cause) && cause.code === 'audit') throw cause
      const { message, why, hint } = toErrorInfo(cause)
      throw new DrayError('audit', 'the audit record cannot be written, so nothing more is changed', {
        subject: this.place,
        why: why ?? message,
        hint: hint ?? 'Make room or give write access, or name another file with --audit-file.',
        cause,
      })
    }
  }
}

interface Lines {
  readonly text: string
  readonly entries: readonly { readonly entry: LogEntry; readonly offset: number }[]
  readonly end: Position
}

/** Formats the records as lines after `start`. */
function chain(records: readonly LogRecord[], start: Position): Lines {
  let end = start
  let text = ''
  const entries = records.map((record) => {
    const line = formatLine(record, end)
    const entry: LogEntry = { ...record, seq: end.seq + 1, prev: end.hash }
    const offset = end.size
    end = advance(end, Buffer.from(line))
    text += `${line}\n`
    return { entry, offset }
  })
  return { text, entries, end }
}

async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0
  while (written < bytes.byteLength) {
    written += (await handle.write(bytes, written, bytes.byteLength - written)).bytesWritten
  }
}
