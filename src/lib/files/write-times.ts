import { createHash } from 'node:crypto'
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { systemCode } from './io-error.ts'

/** Bytes of a time: a double. */
const timeSize = 8
/**
 * The number of slots in the file. If two names have one slot, each of them sees the writes of
 * both.
 */
const slots = 2 ** 18

/**
 * When the processes of one user on one machine last wrote under each name. All times are in
 * one sparse file of at most 2 MiB. The file need not outlast a crash
 * of the machine, so nothing is synced. Reads and writes are synchronous, which takes a fraction of
 * the time for a few bytes.
 */
export class WriteTimes {
  readonly #path: string

  /** @param path the folder exists, and only this user and root can write to it */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * Returns when the last write ended, in milliseconds; 0 if none is known. Infinity while a write
   * is under way, after one that did not end, and if the time cannot be read.
   */
  last(name: string): number {
    const bytes = Buffer.alloc(timeSize)
    try {
      const length = this.#at(name, constants.O_RDONLY, (fd, offset) =>
        readSync(fd, bytes, 0, timeSize, offset),
      )
      if (length === 0) return 0
      const time = bytes.readDoubleBE()
      return length < timeSize || Number.isNaN(time) ? Infinity : time
    } catch (error) {
      return systemCode(error) === 'ENOENT' ? 0 : Infinity
    }
  }

  /** Notes that a write begins. */
  begin(name: string): void {
    this.#set(name, Infinity)
  }

  /** Notes that a write ended at `time`, in milliseconds. */
  end(name: string, time: number): void {
    this.#set(name, time)
  }

  /** Does nothing if the file cannot be written: a lock still keeps the writes themselves apart. */
  #set(name: string, time: number): void {
    const bytes = Buffer.alloc(timeSize)
    bytes.writeDoubleBE(time)
    try {
      this.#at(name, constants.O_WRONLY | constants.O_CREAT, (fd, offset) =>
        writeSync(fd, bytes, 0, timeSize, offset),
      )
    } catch {
      return
    }
  }

  /**
   * Calls `use` with the open file and the offset of the name in it. @throws the system's error.
   */
  #at(name: string, flags: number, use: (fd: number, offset: number) => number): number {
    const { O_NOFOLLOW, O_NONBLOCK } = constants
    const fd = openSync(this.#path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600)
    try {
      return use(fd, offsetOf(name))
    } finally {
      closeSync(fd)
    }
  }
}

/** Returns the offset of a name's time. */
function offsetOf(name: string): number {
  return (createHash('sha256').update(name).digest().readUInt32BE() % slots) * timeSize
}
