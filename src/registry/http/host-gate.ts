import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'

/** If so many retries follow each other without an answer, nothing succeeds any more. */
const maxRetriesWithoutSuccess = 64

/**
 * The state that all requests to an overloaded registry share: the time before which they wait, and
 * the retry budget.
 */
export class HostGate {
  readonly #registry: string
  readonly #clock: Clock
  readonly #maxWaitMs: number
  #closedUntil = 0
  #notifiedUntil = 0
  #retriesWithoutSuccess = 0
  #answered = false

  constructor(registry: string, clock: Clock, maxWaitMs: number) {
    this.#registry = registry
    this.#clock = clock
    this.#maxWaitMs = maxWaitMs
  }

  /** Whether the registry gave a useful answer in this run. */
  get answered(): boolean {
    return this.#answered
  }

  succeeded(): void {
    this.#answered = true
    this.#retriesWithoutSuccess = 0
  }

  /** Takes one retry out of the budget. False if it is empty. */
  takeRetry(): boolean {
    if (this.#retriesWithoutSuccess >= maxRetriesWithoutSuccess) return false
    this.#retriesWithoutSuccess++
    return true
  }

  /** Delays all requests for `ms` milliseconds. A longer delay that was set before stays. */
  closeFor(ms: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, this.#clock.now() + ms)
  }

  /**
   * Waits until requests may be sent; undefined if they may now, so that most requests do not wait
   * for a promise.
   * @throws `unavailable` if that is later than the run may wait.
   */
  pass(call: Call): Promise<void> | undefined {
    return this.#closedUntil <= this.#clock.now() ? undefined : this.#wait(call)
  }

  async #wait(call: Call): Promise<void> {
    for (;;) {
      const wait = this.#closedUntil - this.#clock.now()
      if (wait <= 0) return
      if (wait > this.#maxWaitMs) throw this.#tooLong(wait)
      this.#notify(wait, call)
      await this.#clock.sleep(wait, call.signal)
    }
  }

  #notify(ms: number, call: Call): void {
    if (this.#notifiedUntil === this.#closedUntil) return
    this.#notifiedUntil = this.#closedUntil
    call.notify({ kind: 'wait', registry: this.#registry, ms })
  }

  #tooLong(waitMs: number): DrayError {
    const when = new Date(this.#closedUntil).toISOString()
    return new DrayError('unavailable', `${this.#registry} accepts no requests until ${when} (Retry-After)`, {
      subject: this.#registry,
      why: `that is in ${Math.ceil(waitMs / 1000)} s, and this run waits at most ${Math.floor(this.#maxWaitMs / 1000)} s`,
      hint: `Run the command again after ${when}, or pass a longer --max-wait. It skips content that is up to date.`,
    })
  }
}

/** The gates by registry. */
export class HostGates {
  readonly #gates = new Map<string, HostGate>()
  readonly #clock: Clock
  readonly #maxWaitMs: number

  constructor(clock: Clock, maxWaitMs: number) {
    this.#clock = clock
    this.#maxWaitMs = maxWaitMs
  }

  of(registry: string): HostGate {
    const known = this.#gates.get(registry)
    if (known !== undefined) return known
    const gate = new HostGate(registry, this.#clock, this.#maxWaitMs)
    this.#gates.set(registry, gate)
    return gate
  }
}
