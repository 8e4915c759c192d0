import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { makeFolder } from './atomic.ts'
import { withLock } from './lock.ts'

/**
 * Milliseconds. The guarded work takes a few round trips, and a lock is no proof, so a dead holder
 * is waited for less long than elsewhere.
 */
const pace = { pollMs: 20, heartbeatMs: 400, staleMs: 2_000 } as const

export interface MachineLocksOptions {
  /** created when it is first needed */
  readonly folder: string
  readonly clock: Clock
}

/**
 * Locks by name between the processes of one user on one machine. They are a help and no proof: if
 * a lock cannot be created, the work is done without it.
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
    const { folder, clock } = this.#options
    const path = join(folder, `${createHash('sha256').update(name).digest('hex')}.lock`)
    let hasBegun = false
    const begin = (): Promise<T> => {
      hasBegun = true
      return work()
    }
    try {
      await makeFolder(folder, 0o700)
      return await withLock(path, { clock, ...pace }, signal, begin)
    } catch (error) {
      if (hasBegun || signal.aborted) throw error
      return await begin()
    }
  }
}
