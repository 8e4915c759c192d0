import { constants } from 'node:fs'
import { appendFile, type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { syncFolder, writeFileAtomic } from '../../lib/files/atomic.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import type { TakenLock } from '../../lib/files/lock.ts'
import { type JournalContent, parseJournal } from '../../usecases/watch/journal/journal-lines.ts'
import { takeJournalLock } from './journal-lock.ts'

/** A journal that is larger was not written by dray: it is compacted long before. */
const maxFileSize = 256 * 1024 ** 2
/** A journal is compacted if it is larger than this and than twice its content. */
const minCompactedSize = 1024 ** 2
/** The permissions: names of repositories and tags can be confidential. */
const mode = 0o600

export interface JournalOptions {
  readonly clock: Clock
  /** Shows a warning; not escaped. */
  readonly warn: (text: string) => void
}

interface OpenedJournal {
  readonly journal: Journal
  readonly content: JournalContent
}

/**
 * The file of accepted events, `watch.jsonl`. `append` resolves when its lines are on disk. Lines
 * that arrive during a sync are written together with the next one.
 */
export class Journal {
  readonly path: string
  readonly #lock: TakenLock
  #handle: FileHandle
  #size: number
  #compactedSize = 0
  #waiting: string[] = []
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  private constructor(path: string, lock: TakenLock, handle: FileHandle, size: number) {
    this.path = path
    this.#lock = lock
    this.#handle = handle
    this.#size = size
  }

  /**
   * Opens the journal for this process alone, and reads what an earlier process left. Copies
   * damaged lines to a file beside it. Call `compact` before `append`: the last line may be
   * incomplete.
   * @throws `refused` if another process has it open; `io`, `malformed`; the signal's reason.
   */
  static async open(path: string, options: JournalOptions, signal: AbortSignal): Promise<OpenedJournal> {
    const lock = await takeJournalLock(path, options, signal)
    try {
      const bytes = await readFileBounded(path, maxFileSize, { followLinks: false })
      const content = parseJournal(new TextDecoder().decode(bytes ?? new Uint8Array()))
      if (content.damaged.length > 0) await keepAside(path, content.damaged, options)
      const journal = new Journal(path, lock, await openToWrite(path), bytes?.byteLength ?? 0)
      return { journal, content }
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** bytes of the file */
  get size(): number {
    return this.#size
  }

  /** Whether the journal is much larger than its content, so that `compact` is worth its time. */
  get isLarge(): boolean {
    return this.#size > Math.max(minCompactedSize, 2 * this.#compactedSize)
  }

  /**
   * Resolves when the lines are on disk. @throws `io`, and `conflict` if another process has taken
   * the journal over; then none of the lines may be in it.
   */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return
    this.#waiting.push(...lines)
    this.#next ??= this.#afterLast(() => this.#writeWaiting())
    return this.#next
  }

  /** Resolves when all lines that wait are on disk. @throws as `append`. */
  async flushed(): Promise<void> {
    return this.#next ?? this.#last
  }

  /** Replaces the content by the current one. @throws as `append`. */
  async compact(current: () => readonly string[]): Promise<void> {
    await this.#afterLast(() => this.#replace(current()))
  }

  /** Waits for pending writes and leaves the journal to other processes. */
  async close(): Promise<void> {
    await this.flushed().catch(() => undefined)
    await this.#handle.close()
    await this.#lock.release()
  }

  async #afterLast(work: () => Promise<void>): Promise<void> {
    const done = this.#last.catch(() => undefined).then(work)
    this.#last = done
    try {
      await done
    } finally {
      // A failure belongs to the lines of this write only.
      if (this.#last === done) this.#last = Promise.resolve()
    }
  }

  async #writeWaiting(): Promise<void> {
    const lines = this.#waiting
    this.#waiting = []
    this.#next = undefined
    await this.#lock.check()
    const bytes = Buffer.from(`${lines.join('\n')}\n`)
    try {
      await writeAt(this.#handle, bytes, this.#size)
      await this.#handle.datasync()
      this.#size += bytes.byteLength
    } catch (cause) {
      // The next write begins at the same place.
      await this.#handle.truncate(this.#size).catch(() => undefined)
      throw ioError(cause, `cannot write ${this.path}`, this.path)
    }
  }

  async #replace(lines: readonly string[]): Promise<void> {
    await this.#lock.check()
    const text = lines.map((line) => `${line}\n`).join('')
    await writeFileAtomic(this.path, text, { mode })
    const handle = await openToWrite(this.path)
    await this.#handle.close()
    this.#handle = handle
    this.#size = Buffer.byteLength(text)
    this.#compactedSize = this.#size
  }
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.byteLength) {
    const left = bytes.byteLength - written
    written += (await handle.write(bytes, written, left, position + written)).bytesWritten
  }
}

async function openToWrite(path: string): Promise<FileHandle> {
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const handle = await open(path, flags, mode)
    if ((await handle.stat()).isFile()) {
      await syncFolder(dirname(path))
      return handle
    }
    await handle.close()
  } catch (cause) {
    throw ioError(cause, `cannot open ${path}`, path)
  }
  throw new DrayError('io', `${path} is not a regular file`, {
    subject: path,
    hint: 'Name another file with `watch.journal` in dray.yaml.',
  })
}

/** The last line of a process that was killed is damaged too: its event was not accepted yet. */
async function keepAside(
  path: string,
  damaged: JournalContent['damaged'],
  { warn }: JournalOptions,
): Promise<void> {
  const aside = `${path}.damaged`
  try {
    await appendFile(aside, damaged.map(({ text }) => `${text}\n`).join(''), { mode })
  } catch (cause) {
    throw ioError(cause, `cannot write ${aside}`, aside)
  }
  const lines = damaged.length === 1 ? 'line' : 'lines'
  const numbers = damaged.slice(0, 5).map(({ line }) => line)
  const more = damaged.length > numbers.length ? ', …' : ''
  warn(`${path} has damaged lines: dray moved ${lines} ${numbers.join(', ')}${more} to ${aside}`)
}
