import type { Clock } from '../clock.ts'

/** How often a watchdog looks at least, so that a phase with a shorter limit than the one before is not missed. */
const maxNapMs = 30_000

/**
 * Counts the time in which one exchange waits for the other side and nothing moves, and says so once. While it rests (our own side is slow),
 * no time counts.
 */
export class Watchdog {
  readonly #clock: Clock
  readonly #bark: () => void
  readonly #stopped = new AbortController()
  #limitMs = 0
  #since: number | undefined

  constructor(clock: Clock, bark: () => void) {
    this.#clock = clock
    this.#bark = bark
  }

  get limitMs(): number {
    return this.#limitMs
  }

  /** Begins a phase in which something must move at least every `limitMs`. */
  watch(limitMs: number): void {
    const first = this.#limitMs === 0
    this.#limitMs = limitMs
    this.#since = this.#clock.now()
    if (first) void this.#run()
  }

  moved(): void {
    if (this.#since !== undefined) this.#since = this.#clock.now()
  }

  rest(): void {
    this.#since = undefined
  }

  wake(): void {
    this.#since ??= this.#clock.now()
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const left = this.#since === undefined ? this.#limitMs : this.#since + this.#limitMs - this.#clock.now()
      if (left <= 0) {
        this.#bark()
        return
      }
      try {
        await this.#clock.sleep(Math.min(left, maxNapMs), this.#stopped.signal)
      } catch {
        return
      }
    }
  }
}
