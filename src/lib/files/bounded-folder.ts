import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { isTempName, newTempName } from './atomic.ts'
import { explainFailure, systemCode } from './io-error.ts'
import { makeFolders } from './make-folders.ts'

/** Bytes of a block. A file takes whole blocks on disk. */
const blockSize = 4096
/**
 * An entry that is used after so long gets a new time: often enough to find the least recently used
 * one, and seldom enough to cost nothing.
 */
const touchMs = 60 * 60_000
const uid = process.geteuid?.()
/** An unfinished file of this age belongs to a process that died. */
const abandonedMs = 60 * 60_000

export interface BoundedFolderOptions {
  readonly path: string
  /** bytes that all entries may take on disk; exceeded by about a sixteenth between two sweeps */
  readonly maxBytes: number
  /** Larger entries, in bytes, are not kept. */
  readonly maxEntryBytes: number
  /** decides which entries were used last */
  readonly clock: Clock
  /**
   * Called once for a folder that cannot be written to. Nothing is kept from then on, and what
   * exists is still read.
   */
  readonly warn: (text: string) => void
}

/**
 * A folder of small files whose names are hex digits of hashes, so that they are spread evenly.
 * Processes share it without a lock: a file is complete or absent, and each process drops the least
 * recently used files if there are too many. Nothing here throws: what cannot be read is absent,
 * and what cannot be written is not kept. Reads and writes are synchronous, which takes a fraction
 * of the time for small files (docs/decisions/content-cache.md). Only the user can read it, because
 * it has content of private repositories.
 */
export class BoundedFolder {
  readonly #options: BoundedFolderOptions
  readonly #maxEntryBytes: number
  #isOff = false

  constructor(options: BoundedFolderOptions) {
    this.#options = options
    this.#maxEntryBytes = Math.min(options.maxEntryBytes, options.maxBytes)
  }

  get(name: string): Uint8Array | undefined {
    try {
      return this.#read(join(this.#options.path, name))
    } catch {
      return undefined
    }
  }

  put(name: string, bytes: Uint8Array): void {
    if (this.#isOff || bytes.byteLength > this.#maxEntryBytes) return
    try {
      this.#write(name, bytes)
      if (this.#isSweepDue(name, bytes.byteLength)) this.#sweep()
    } catch (error) {
      this.#isOff = true
      const { path, warn } = this.#options
      warn(`cannot write to ${path}: ${explainFailure(error)}. dray stores nothing more there.`)
    }
  }

  remove(name: string): void {
    unlink(join(this.#options.path, name))
  }

  #read(path: string): Uint8Array | undefined {
    // Does not wait for a pipe and does not follow a link.
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stats = fstatSync(file)
      if (!stats.isFile() || stats.size > this.#maxEntryBytes) return undefined
      // Another user put it there while the folder was open to others.
      if (uid !== undefined && stats.uid !== uid) return undefined
      const bytes = Buffer.allocUnsafeSlow(stats.size)
      if (readSync(file, bytes, 0, stats.size, 0) !== stats.size) return undefined
      if (this.#options.clock.now() - stats.mtimeMs > touchMs) this.#touch(file)
      return bytes
    } finally {
      closeSync(file)
    }
  }

  #touch(file: number): void {
    const now = this.#options.clock.now() / 1000
    try {
      futimesSync(file, now, now)
    } catch {
      // The folder is read-only. The process that fills it decides what is old.
    }
  }

  #write(name: string, bytes: Uint8Array): void {
    const { path } = this.#options
    const temp = join(path, newTempName())
    const file = this.#create(temp)
    try {
      try {
        for (let at = 0; at < bytes.byteLength;) at += writeSync(file, bytes, at)
        this.#touch(file)
      } finally {
        closeSync(file)
      }
      renameSync(temp, join(path, name))
    } catch (error) {
      unlink(temp)
      throw error
    }
  }

  #create(temp: string): number {
    try {
      return openSync(temp, 'wx', 0o600)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
      makeFolders(this.#options.path, 0o700)
      return openSync(temp, 'wx', 0o600)
    }
  }

  /**
   * Whether to sweep. That is so for a share of the entries as large as
   * their bytes, decided by the digits of the name: no process has to remember how much all of them
   * wrote.
   */
  #isSweepDue(name: string, size: number): boolean {
    const share = sizeOnDisk(size) / (this.#options.maxBytes / 16)
    return Number.parseInt(name.slice(-8), 16) / 2 ** 32 < share
  }

  /**
   * Drops the least recently used entries until there is some room. Other processes may do the
   * same.
   */
  #sweep(): void {
    const { maxBytes } = this.#options
    const entries = this.#entries()
    let total = entries.reduce((sum, { size }) => sum + size, 0)
    if (total <= maxBytes) return
    entries.sort((a, b) => a.usedAt - b.usedAt)
    for (const { path, size } of entries) {
      if (total <= maxBytes * (7 / 8)) return
      unlink(path)
      total -= size
    }
  }

  #entries(): { readonly path: string; readonly size: number; readonly usedAt: number }[] {
    return readdirSync(this.#options.path).flatMap((name) => {
      const path = join(this.#options.path, name)
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats?.isFile() !== true) return []
      if (!isTempName(name)) return [{ path, size: sizeOnDisk(stats.size), usedAt: stats.mtimeMs }]
      if (this.#options.clock.now() - stats.mtimeMs > abandonedMs) unlink(path)
      return []
    })
  }
}

function sizeOnDisk(size: number): number {
  return Math.max(1, Math.ceil(size / blockSize)) * blockSize
}

/** Another process may have been quicker. */
function unlink(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // The file stays.
  }
}
