import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { type DrayError, type ErrorCode, isDrayError } from '../../lib/errors.ts'
import { isTooSlow } from '../http/transport/transport-failure.ts'
import { isStorageFull } from './errors.ts'

const defaultAttempts = 8
/** An attempt that is too slow takes half a minute. */
const slowAttempts = 2
/** The number of retries after a 404 for content that dray has just written. */
const readBackAttempts = 3
const firstWaitMs = 250
const maxWaitMs = 15_000

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
  /** uniform in [0, 1) */
  readonly random: () => number
  /**
   * Takes one retry out of the budget of a registry, which `http/` shares. False if it is empty.
   */
  readonly takeRetry?: ((registry: string) => boolean) | undefined
  /** of one transfer; eight by default */
  readonly maxAttempts?: number | undefined
}

/**
 * Retries transfers as units: bodies that break off or arrive corrupt, and upload sessions. `http/`
 * retries single requests, so a failure that arrives here has outlived those retries, or could not
 * be retried there.
 */
export class TransferRetry {
  readonly maxAttempts: number
  /** After this many attempts dray believes that the content is corrupt at the source. */
  readonly corruptAttempts: number = 3
  readonly #options: TransferRetryOptions

  constructor(options: TransferRetryOptions) {
    this.#options = options
    this.maxAttempts = options.maxAttempts ?? defaultAttempts
  }

  /**
   * Whether to repeat a transfer that has failed `failures` times. Takes the retry out of the
   * budget.
   */
  isWorth(error: unknown, failures: number, registry: string, call: Call): boolean {
    if (call.signal.aborted || !isDrayError(error) || failures >= this.#attemptsFor(error)) return false
    return this.#options.takeRetry?.(registry) ?? true
  }

  /** Waits with exponential backoff and full jitter. */
  async wait(failures: number, call: Call): Promise<void> {
    const { clock, random } = this.#options
    const most = Math.min(maxWaitMs, firstWaitMs * 2 ** (failures - 1))
    await clock.sleep(Math.round(random() * most), call.signal)
  }

  /**
   * Begins a transfer and takes its result, again from the start if taking fails. A failure to
   * begin is final, because `http/` has retried that.
   */
  async run<T, R>(
    registry: string,
    call: Call,
    begin: () => Promise<T>,
    take: (begun: T) => R | Promise<R>,
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
   * Reads back content that was just written. docker-registry 2.8 on a file system answers 404 or
   * 500 to some reads of a tag that is being moved (7 in 100, measured), so a 404 is retried.
   */
  async readBack<R>(call: Call, read: () => Promise<R | undefined>): Promise<R | undefined> {
    for (let attempts = 1; ; attempts++) {
      const found = await read()
      if (found !== undefined || attempts >= readBackAttempts) return found
      await this.wait(attempts, call)
    }
  }

  #attemptsFor(error: DrayError): number {
    if (error.code === 'corrupt') return this.corruptAttempts
    if (isStorageFull(error.status)) return 1
    if (isTooSlow(error)) return slowAttempts
    return transient.has(error.code) ? this.maxAttempts : 1
  }
}
