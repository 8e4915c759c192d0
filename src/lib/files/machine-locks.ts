import { createHash } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Clock, withTimeLimit } from '../clock.ts'
import { DrayError } from '../errors.ts'
import { takeFreeLock, takeLock, type TakenLock } from './lock.ts'

/**
 * Milliseconds. A process of many on a busy machine can stand still for seconds, so a lock is not
 * taken over soon. A holder that waits long for its registry stops renewing, so that others can
 * continue.
 */
const pace = { pollMs: 25, heartbeatMs: 1_000, staleMs: 10_000, renewMs: 60_000 } as const
/** Milliseconds. */
const maxWaitMs = 120_000

/** Milliseconds: longer than any holder renews its lock. */
const abandonedMs = 60 * 60_000

export interface MachineLocksOptions {
  /** exists, and only this user and root can write to it */
  readonly folder: string
  readonly clock: Clock
}

/**
 * Locks by name between the processes of one user on one machine. They are a help and no proof: if
 * a lock cannot be created, or was waited for too long, the work is done without it.
 */
export class MachineLocks {
  readonly #options: MachineLocksOptions

  constructor(options: MachineLocksOptions) {
    this.#options = options
  }

  /**
   * Runs `work` while no other process does so under the same name, which may be any text.
   * @throws what `work` throws; the signal's reason.
   */
  async run<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const lock = await this.take(name, signal)
    try {
      return await work()
    } finally {
      await lock?.release()
    }
  }

  /**
   * Takes a lock that the caller releases. Returns undefined if another process holds it, or if it
   * cannot be created.
   */
  takeFree(name: string): TakenLock | undefined {
    const { clock } = this.#options
    try {
      return takeFreeLock(this.#pathOf(name), { clock, ...pace })
    } catch {
      return undefined
    }
  }

  /**
   * Waits for a lock that the caller releases, or returns undefined.
   * @param onLongWait is called once if another process still holds the lock after some seconds
   * @throws the signal's reason.
   */
  async take(name: string, signal: AbortSignal, onLongWait?: () => void): Promise<TakenLock | undefined> {
    const { clock } = this.#options
    const path = this.#pathOf(name)
    const reason = (): DrayError => new DrayError('timeout', `another process holds the lock of ${name}`)
    try {
      return await withTimeLimit({ ms: maxWaitMs, clock, reason }, signal, (limited) =>
        takeLock(path, { clock, ...pace, ...(onLongWait && { onLongWait }) }, limited),
      )
    } catch {
      signal.throwIfAborted()
      return undefined
    }
  }

  #pathOf(name: string): string {
    return join(this.#options.folder, `${createHash('sha256').update(name).digest('hex')}.lock`)
  }
}

/**
 * Removes the lock files of processes that were killed and whose names no other process has used
 * since. Never throws.
 */
export function removeAbandonedLocks({ folder, clock }: MachineLocksOptions): void {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      const isLock = /^[0-9a-f]{64}\.lock/.test(name)
      if (isLock && clock.now() - statSync(path).mtimeMs > abandonedMs) rmSync(path)
    }
  } catch {
    // Another process may have removed a file. The next run removes the others.
  }
}
