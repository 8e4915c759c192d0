import type { FileHandle } from 'node:fs/promises'
import { DrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import {
  advance,
  isNext,
  type LogLine,
  maxRecordSize,
  parseEntry,
  type Position,
  startOfChain,
} from '../log/chain.ts'
import { type Head, readOwnHead } from '../log/head.ts'
import { OpenIntents } from '../log/open-intents.ts'
import { findStrayTail, isSuspendedWrite, type StrayTail } from '../log/stray-lines.ts'
import { lineBefore, readLines, readWhole } from './read-log.ts'
import { canBeginLog, canBeTorn } from '../log/record-prefix.ts'
import { findRecordProblem } from '../log/record-problems.ts'

const newline = 0x0a

/** The end of a log under its lock. */
export interface LogEnd {
  /** the end of the verified chain */
  readonly end: Position
  /** bytes after the chain: a torn record of a crash, or lines of a suspended run */
  readonly tail: Buffer
}

interface FollowedLog extends LogEnd {
  readonly strays?: StrayTail
}

/**
 * Follows a log that several processes append to: the end of its chain and its open intents. Reads
 * only what is new, the first time only what comes after the settled position, and the whole log
 * only if the head is missing or damaged.
 */
export class LogFollower {
  readonly path: string
  readonly open = new OpenIntents()
  /** the part that was read before; `ino` reveals a log that was replaced */
  #known: { readonly ino: number; readonly size: number } | undefined

  constructor(path: string) {
    this.path = path
  }

  /**
   * Checks the first bytes of a file before anything is written beside it. Needs no lock, because a
   * writer only appends. Returns the head. @throws `audit` if the file or its head is not dray's.
   */
  async checkPath(handle: FileHandle): Promise<Head | 'missing' | 'damaged'> {
    // Files of /proc have content but no size.
    if (!canBeginLog(await readWhole(handle, 0, 64))) throw this.#foreign(0)
    return await readOwnHead(this.path)
  }

  /**
   * Whether the log ends where its head says, and no intent is open. Needs no lock: a writer
   * appends before it replaces the head, so the log that agrees with an earlier head was whole
   * after that head was read. @throws `audit` if the log is shorter than its head.
   */
  async isSettled(handle: FileHandle, head: Head | 'missing' | 'damaged'): Promise<boolean> {
    if (typeof head === 'string') return false
    const { size } = await handle.stat()
    if (!(await this.#isTrusted(head, handle, size))) return false
    return head.size === size && head.settled.offset === size
  }

  /** Call this before the log is created. @throws `audit` if a head shows that the log existed. */
  async checkNew(): Promise<void> {
    const head = await readOwnHead(this.path)
    if (typeof head !== 'string') {
      throw this.#damaged('it is missing', `its head exists and counts ${head.seq} records`)
    }
  }

  /**
   * Call this under the lock, with the open log. @throws `audit` if the log does not match its head
   * or its chain is broken: then nothing may be appended.
   */
  async follow(handle: FileHandle): Promise<LogEnd> {
    const head = await readOwnHead(this.path)
    const { size, ino } = await handle.stat()
    const isTrusted = typeof head !== 'string' && (await this.#isTrusted(head, handle, size))
    const start = isTrusted ? head : startOfChain
    if (!isTrusted && typeof head !== 'string') this.forget()
    if (this.#known?.ino !== ino || this.#known.size > size) {
      this.#known = undefined
      this.open.clear()
    }
    await this.#noteUpTo(start.size, handle, typeof head === 'string' ? 0 : head.settled.offset)
    const followed = await this.#chainFrom(start, handle, size)
    if (!isTrusted) this.#checkStrays(head, followed)
    this.#known = { ino, size: followed.end.size }
    return followed
  }

  /** Call this when the lines after the end that `follow` returned are on disk. */
  wrote(size: number): void {
    if (this.#known !== undefined) this.#known = { ...this.#known, size }
  }

  /** Drops everything that was read. The next call of `follow` begins with the head. */
  forget(): void {
    this.#known = undefined
    this.open.clear()
  }

  /**
   * The log is whole up to its head if it is long enough and has the line of the head there. If it
   * has another line there, `#checkStrays` decides.
   */
  async #isTrusted(head: Head, handle: FileHandle, size: number): Promise<boolean> {
    if (size < head.size) {
      throw this.#damaged(
        size === 0 ? 'it is empty' : 'it was cut',
        `it has ${size} bytes, and its head counts ${head.size} bytes with ${head.seq} records`,
      )
    }
    const last = await lineBefore(handle, head.size)
    return last !== undefined && digestOf(last) === head.hash
  }

  /**
   * Without a head that agrees, lines behind the chain can also be the records of a log that was
   * changed before them. @throws `audit` if they are not those of one suspended run.
   */
  #checkStrays(head: Head | 'missing' | 'damaged', { end, strays }: FollowedLog): void {
    if (strays === undefined && typeof head === 'string') return
    if (strays !== undefined && isSuspendedWrite(strays, typeof head === 'string' ? undefined : head)) return
    this.forget()
    if (typeof head === 'string') throw this.#brokenChain(end)
    throw this.#damaged('it was changed', `record ${head.seq} does not match the head`)
  }

  /** Notes intents and outcomes of lines that are already verified. */
  async #noteUpTo(end: number, handle: FileHandle, settled: number): Promise<void> {
    const from = this.#known?.size ?? (await this.#lineStart(settled, handle))
    if (from >= end) return
    for await (const lines of readLines(handle, from, end)) {
      for (const line of lines) {
        const entry = parseEntry(line)
        if (entry === undefined)
          throw this.#damaged('it was changed', `byte ${line.offset} is not the start of a record`)
        this.open.note(entry, line.offset)
      }
    }
  }

  async #lineStart(offset: number, handle: FileHandle): Promise<number> {
    if (offset === 0) return 0
    return (await readWhole(handle, offset - 1, 1))[0] === newline ? offset : 0
  }

  /** Verifies the chain from `start` to the end of the file. */
  async #chainFrom(start: Position, handle: FileHandle, size: number): Promise<FollowedLog> {
    let end = start
    if (size === start.size) return { end, tail: Buffer.alloc(0) }
    for await (const lines of readLines(handle, start.size, size)) {
      for (const line of lines) {
        const entry = parseEntry(line)
        if (entry === undefined || !isNext(line.raw, end)) return this.#endAt(line, end, handle, size)
        if (findRecordProblem(entry) !== undefined) throw this.#notRecord(line, end)
        end = advance(end, line.raw)
        this.open.note(entry, line.offset)
      }
    }
    return { end, tail: Buffer.alloc(0) }
  }

  /**
   * The log ends before a line that does not continue it. dray cuts the bytes off, so it checks
   * that they are a torn record or stray lines.
   */
  async #endAt(line: LogLine, end: Position, handle: FileHandle, size: number): Promise<FollowedLog> {
    const { raw, state } = line
    const isTorn = state === 'torn' && raw.byteLength <= maxRecordSize && canBeTorn(raw, end)
    if (isTorn) return { end, tail: Buffer.from(raw) }
    const strays = await findStrayTail(handle, end, size)
    if (strays !== undefined) return { end, tail: strays.bytes, strays }
    if (parseEntry(line) === undefined) throw this.#notRecord(line, end)
    throw this.#brokenChain(end)
  }

  #brokenChain({ seq }: Position): DrayError {
    return this.#damaged('its chain is broken', `line ${seq + 1} does not follow the one before it`)
  }

  #notRecord({ offset }: LogLine, end: Position): DrayError {
    return end.seq === 0 ? this.#foreign(offset) : this.#noRecord(offset)
  }

  #foreign(offset: number): DrayError {
    return new DrayError('audit', `cannot write the audit log: ${this.path} is not an audit log of dray`, {
      subject: this.path,
      why: `the file is not empty, and its content at byte ${offset} is not a record of dray`,
      hint:
        'Pass another file with --audit-file, DRAY_AUDIT_FILE or audit.file in dray.yaml. ' +
        'dray did not change this file.',
    })
  }

  #noRecord(offset: number): DrayError {
    return this.#damaged('it contains bytes that are not a record', `they begin at byte ${offset}`)
  }

  #damaged(what: string, why: string): DrayError {
    return new DrayError('audit', `cannot continue the audit log: ${what}`, {
      subject: this.path,
      why,
      hint:
        'Run dray audit verify to find the problem. Keep the log as proof and pass a new one with ' +
        '--audit-file, or rename it together with its .head file. dray changed nothing.',
    })
  }
}
