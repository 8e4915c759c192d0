import { offAbort, onAbort } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'

/** The bucket holds the bytes of this time, so that a timer that fires late loses none of them. */
const capacityMs = 100
/** One body gets the bytes of this time at once, and the others their turn after it. */
const turnMs = 50
/** A timer for each small chunk would take more processor time than its bytes. */
const minNapMs = 5

interface Waiter {
  readonly bytes: number
  readonly admit: () => void
}

/**
 * A limit on the bytes of all bodies of a run in both directions: one token bucket. The bytes pass
 * in the order of the calls. It begins empty, so that a run never exceeds the rate.
 */
export class Bandwidth {
  /** the most bytes that one `take` may ask for */
  readonly maxBytes: number
  readonly #perMs: number
  readonly #clock: Clock
  readonly #capacity: number
  readonly #waiters = new Set<Waiter>()
  /** bytes that may pass now; negative if more have passed */
  #level = 0
  #filledAt: number
  #nap: AbortController | undefined

  /** @param bytesPerSecond positive */
  constructor(bytesPerSecond: number, clock: Clock) {
    this.#perMs = bytesPerSecond / 1000
    this.#clock = clock
    this.#filledAt = clock.now()
    this.maxBytes = Math.max(1, Math.floor(this.#perMs * turnMs))
    this.#capacity = Math.max(this.maxBytes, this.#perMs * capacityMs)
  }

  /**
   * Waits until so many bytes may pass, at most `maxBytes`; undefined if they may now. Rejects with
   * the signal's reason, at once.
   */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
    if (signal.aborted) return Promise.reject(signal.reason)
    this.#fill()
    if (this.#waiters.size > 0 || this.#level < bytes) return this.#wait(bytes, signal)
    this.#level -= bytes
    return undefined
  }

  /** Waits until all of so many bytes have passed. @throws the signal's reason, at once. */
  async takeAll(bytes: number, signal: AbortSignal): Promise<void> {
    for (let rest = bytes; rest > 0; rest -= this.maxBytes)
      await this.take(Math.min(rest, this.maxBytes), signal)
  }

  /** Counts bytes that did not wait: the next ones wait for them. */
  spend(bytes: number): void {
    this.#fill()
    this.#level -= bytes
  }

  #wait(bytes: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        bytes,
        admit: () => {
          offAbort(signal, leave)
          resolve()
        },
      }
      const leave = (): void => {
        this.#waiters.delete(waiter)
        // Without waiters there is no timer, which would keep the process from its end.
        if (this.#waiters.size === 0) this.#nap?.abort('cancelled')
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        reject(signal.reason)
      }
      this.#waiters.add(waiter)
      onAbort(signal, leave)
      if (this.#nap === undefined) void this.#admitAll()
    })
  }

  /** Admits waiters until none is left. */
  async #admitAll(): Promise<void> {
    for (;;) {
      this.#admit()
      const [first] = this.#waiters
      if (first === undefined) break
      const ms = Math.max(minNapMs, Math.ceil((first.bytes - this.#level) / this.#perMs))
      this.#nap = new AbortController()
      // It is aborted if the last waiter leaves, and another one may have come since.
      await this.#clock.sleep(ms, this.#nap.signal).catch(() => undefined)
    }
    this.#nap = undefined
  }

  #admit(): void {
    this.#fill()
    for (const waiter of this.#waiters) {
      if (this.#level < waiter.bytes) return
      this.#waiters.delete(waiter)
      this.#level -= waiter.bytes
      waiter.admit()
    }
  }

  /** The clock of the machine can be set back: no bytes are lost then. */
  #fill(): void {
    const now = this.#clock.now()
    const elapsedMs = Math.max(0, now - this.#filledAt)
    this.#filledAt = now
    this.#level = Math.min(this.#capacity, this.#level + elapsedMs * this.#perMs)
  }
}
