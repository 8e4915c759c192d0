import type { Clock } from '../../lib/clock.ts'
import { foreignRefusal } from '../errors.ts'
import type { ServerLimits } from './limits.ts'

/**
 * Detects a body that arrives too slowly. Only the time in which the registry waits for the client
 * counts, so a slow disk does not.
 */
export class BodyPace {
  readonly #clock: Clock
  readonly #limit: ServerLimits['slowBody']
  readonly #tooSlow = Promise.withResolvers<never>()
  readonly #ended = new AbortController()
  #bytes = 0
  #waitedMs = 0
  #waitingSince: number | undefined
  #isWatched = false

  constructor(clock: Clock, limit: ServerLimits['slowBody']) {
    this.#clock = clock
    this.#limit = limit
  }

  /** Rejects with a refusal (408) when the body is too slow; never resolves. */
  get tooSlow(): Promise<never> {
    return this.#tooSlow.promise
  }

  /** The registry waits for more bytes. */
  wait(): void {
    this.#waitingSince = this.#clock.now()
    if (this.#isWatched) return
    this.#isWatched = true
    void this.#watch()
  }

  receive(bytes: number): void {
    this.#waitedMs = this.#waited()
    this.#waitingSince = undefined
    this.#bytes += bytes
  }

  /** The body has ended, or its reader is gone. */
  end(): void {
    // Without a reason, each request would create an error with a stack.
    this.#ended.abort('ended')
  }

  #waited(): number {
    return this.#waitedMs + (this.#waitingSince === undefined ? 0 : this.#clock.now() - this.#waitingSince)
  }

  async #watch(): Promise<void> {
    const { windowMs, minBytes } = this.#limit
    try {
      for (;;) {
        await this.#clock.sleep(Math.max(windowMs - this.#waited(), 1), this.#ended.signal)
        if (this.#waited() < windowMs) continue
        if (this.#bytes < minBytes) break
        this.#bytes = 0
        this.#waitedMs = 0
        if (this.#waitingSince !== undefined) this.#waitingSince = this.#clock.now()
      }
    } catch {
      return
    }
    this.#tooSlow.reject(
      foreignRefusal('REQUEST_TIMEOUT', 408, `the body brought ${this.#bytes} bytes in ${windowMs} ms`),
    )
  }
}
