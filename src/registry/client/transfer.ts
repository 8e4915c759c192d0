import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { type DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import { isTooSlow } from '../http/transport/transport-failure.ts'

/**
 * Retries of transfers: bodies that break or arrive corrupt, and upload sessions, as units. `http/` retries
 * exchanges below this, so a failure that arrives here has outlived that already, or could not be retried
 * there.
 */
export interface TransferLimits {
  /** how often one transfer is begun */
  readonly tries: number
  /** how often corrupt bytes are fetched anew before they are believed to be so at the source */
  readonly corruptTries: number
  /** how often a transfer is begun that is slower than the minimum: each try takes half a minute */
  readonly slowTries: number
  /** how often a 404 is asked about where something was just written */
  readonly readBacks: number
  /** milliseconds; doubled from try to try, with full jitter */
  readonly firstWait: number
  readonly maxWait: number
}

const defaults: TransferLimits = {
  tries: 8,
  corruptTries: 3,
  slowTries: 2,
  readBacks: 3,
  firstWait: 250,
  maxWait: 15_000,
}

const transient: ReadonlySet<ErrorCode> = new Set(['network', 'timeout', 'unavailable'])

const mebibyte = 1024 ** 2

/**
 * Counts the failed attempts of one upload or download since its last progress, so that a transfer
 * may break any number of times as long as it gets further. Progress is 1 MiB or 1/1000 of the
 * blob, whichever is less: a registry that moves one byte per attempt would be asked without end.
 */
export class FailedAttempts {
  readonly #size: number
  #furthest: number
  #count = 0

  /** `size` is that of the blob, `start` the offset of the first byte of the transfer. */
  constructor(size: number, start = 0) {
    this.#size = size
    this.#furthest = start
  }

  get count(): number {
    return this.#count
  }

  add(): void {
    this.#count++
  }

  /**
   * Resets the count if the first `at` bytes of the blob are progress. `failure` ended the attempt
   * that moved them. An attempt that was too slow took half a minute, so it has to move 1 MiB.
   */
  reach(at: number, failure?: unknown): void {
    const least = isTooSlow(failure) ? mebibyte : Math.min(mebibyte, Math.ceil(this.#size / 1000))
    const isProgress = at >= this.#furthest + least || at === this.#size
    if (at <= this.#furthest || !isProgress) return
    this.#furthest = at
    this.#count = 0
  }
}

export interface TransferRetryOptions {
  readonly clock: Clock
  /** from 0 up to 1 */
  readonly random: () => number
  /**
   * takes one retry out of the budget that a registry has with `http/` together; false where it is used up
   */
  readonly takeRetry?: (registry: string) => boolean
  readonly limits?: Partial<TransferLimits>
}

export class TransferRetry {
  readonly limits: TransferLimits
  readonly #clock: Clock
  readonly #random: () => number
  readonly #takeRetry: (registry: string) => boolean

  constructor(options: TransferRetryOptions) {
    this.#clock = options.clock
    this.#random = options.random
    this.#takeRetry = options.takeRetry ?? (() => true)
    this.limits = { ...defaults, ...options.limits }
  }

  /** Whether a transfer that failed for the `failures`-th time is worth another try. */
  isWorth(error: unknown, failures: number, registry: string, call: Call): boolean {
    if (call.signal.aborted || !isDrayError(error)) return false
    const tries = this.#triesOf(error)
    return failures < tries && this.#takeRetry(registry)
  }

  async wait(failures: number, call: Call): Promise<void> {
    const { firstWait, maxWait } = this.limits
    const most = Math.min(maxWait, firstWait * 2 ** (failures - 1))
    await this.#clock.sleep(Math.round(this.#random() * most), call.signal)
  }

  /**
   * Begins a transfer and takes what it brings, again from the start where taking fails; what fails to begin
   * has been retried below already.
   */
  async run<T, R>(
    registry: string,
    call: Call,
    begin: () => Promise<T>,
    take: (begun: T) => Promise<R>,
  ): Promise<R> {
    for (let failures = 1; ; failures++) {
      const begun = await begin()
      try {
        return await take(begun)
      } catch (error) {
        if (!this.isWorth(error, failures, registry, call)) throw error
        await this.wait(failures, call)
      }
    }
  }

  /**
   * Reads back what was written. docker-registry 2.8 on a file system answers 404 or 500 to some reads of a
   * tag that is just being moved (7 in 100, measured), so a 404 is asked about again before it is believed.
   */
  async readBack<R>(call: Call, read: () => Promise<R | undefined>): Promise<R | undefined> {
    for (let failures = 1; ; failures++) {
      const found = await read()
      if (found !== undefined || failures >= this.limits.readBacks) return found
      await this.wait(failures, call)
    }
  }

  #triesOf(error: DrayError): number {
    if (error.code === 'corrupt') return this.limits.corruptTries
    if (isTooSlow(error)) return this.limits.slowTries
    return transient.has(error.code) ? this.limits.tries : 1
  }
}
