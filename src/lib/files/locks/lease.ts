import type { Clock } from '../../clock.ts'

/** For how long a holder can be certain of its lock without a check of the file. */
export class Lease {
  readonly #clock: Clock
  readonly #certainMs: number
  /** when the last heartbeat that succeeded began */
  #renewedAt: number
  #isBroken = false

  /**
   * @param renewedAt a time before the lock was taken, in milliseconds
   * @param staleMs the milliseconds without a heartbeat after which another process takes the lock
   */
  constructor(renewedAt: number, clock: Clock, staleMs: number) {
    this.#clock = clock
    this.#certainMs = staleMs / 2
    this.#renewedAt = renewedAt
  }

  /** @param at when the heartbeat began */
  renew(at: number): void {
    if (this.isCertain()) this.#renewedAt = at
  }

  isCertain(): boolean {
    const age = this.#clock.now() - this.#renewedAt
    this.#isBroken ||= age < 0 || age > this.#certainMs
    return !this.#isBroken
  }
}
