import { type Call, offAbort, onAbort } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError } from '../../../lib/errors.ts'
import { rateLimitOf, rateLimitResetS } from '../../http/headers.ts'

/** A quota that was found used up is checked again after this time, because it may have reset. */
const recheckMs = 60_000

interface PullQuota {
  readonly limit: number
  remaining: number
  /** until the quota resets at the latest, milliseconds since 1970 */
  readonly resetsAt: number
  /** when the last certain value arrived, milliseconds since 1970 */
  readonly certainAt: number
}

/**
 * Keeps the pulls of a quota that a run leaves for others (`registries.HOST.reservePulls`). A GET
 * of a manifest counts as a pull, a HEAD does not (docs.docker.com, docker-hub/usage/pulls).
 */
export class PullReserve {
  readonly #registry: string
  readonly #reserve: number
  readonly #clock: Clock
  #quota: PullQuota | undefined
  /** the number of answers that reported the quota */
  #answers = 0
  /** pulls without an answer */
  #underWay = 0
  #first: Promise<void> | undefined
  readonly #waiters = new Set<() => void>()

  constructor(registry: string, reserve: number, clock: Clock) {
    this.#registry = registry
    this.#reserve = reserve
    this.#clock = clock
  }

  /** Call it before a request, and give the result to `learn` with the answer. */
  mark(): number {
    return this.#answers
  }

  /**
   * Learns the quota from an answer. Requests that are under way together are answered in any
   * order. Only an answer to a request that began after the last one shows that the quota has
   * grown.
   */
  learn(headers: ReadonlyMap<string, string>, mark: number): void {
    const reported = rateLimitOf(headers)
    if (reported === undefined) return
    const now = this.#clock.now()
    const known = mark === this.#answers ? undefined : this.#quota
    this.#quota = {
      limit: reported.limit,
      remaining: Math.min(reported.remaining, known?.remaining ?? Infinity),
      resetsAt: now + (rateLimitResetS(headers) ?? reported.windowS) * 1000,
      certainAt: known?.certainAt ?? now,
    }
    this.#answers++
  }

  /**
   * Sends a request that counts as a pull.
   * @param check reads the quota with a request that is no pull
   * @throws `refused` if fewer pulls than the reserve would be left after it; what `send` throws
   */
  async pull<T>(send: () => Promise<T>, check: () => Promise<unknown>, call: Call): Promise<T> {
    await this.#admit(check, call)
    const answers = this.#answers
    try {
      return await send()
    } finally {
      this.#underWay--
      // An answer without the quota may have been a pull.
      if (answers === this.#answers && this.#quota !== undefined) this.#quota.remaining--
      for (const wake of this.#waiters) wake()
    }
  }

  /** Near the reserve, pulls wait for each other, so that each one is known to be allowed. */
  async #admit(check: () => Promise<unknown>, call: Call): Promise<void> {
    this.#first ??= this.#quota === undefined ? attempt(check, call) : Promise.resolve()
    await this.#first
    for (let isChecked = false; ;) {
      const quota = this.#quota
      if (quota === undefined || quota.remaining - this.#underWay > this.#reserve) {
        // In this turn, because other pulls wait for the same.
        this.#underWay++
        return
      }
      if (this.#underWay > 0) {
        await this.#change(call)
        continue
      }
      if (isChecked || this.#clock.now() - quota.certainAt < recheckMs) throw this.#refusal(quota)
      await attempt(check, call)
      isChecked = true
    }
  }

  #change(call: Call): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = (): void => {
        this.#waiters.delete(wake)
        offAbort(call.signal, leave)
      }
      const wake = (): void => {
        over()
        resolve()
      }
      const leave = (): void => {
        over()
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the caller's reason
        reject(call.signal.reason)
      }
      call.signal.throwIfAborted()
      this.#waiters.add(wake)
      onAbort(call.signal, leave)
    })
  }

  #refusal({ remaining, limit, resetsAt }: PullQuota): DrayError {
    const registry = this.#registry
    const when = new Date(resetsAt).toISOString()
    const left = remaining === 1 ? '1 pull' : `${Math.max(0, remaining)} pulls`
    return new DrayError('refused', `${registry} has ${left} left of its quota of ${limit}`, {
      subject: registry,
      why: `registries.${registry}.reservePulls leaves ${this.#reserve} for others, and the quota resets by ${when}`,
      hint: `Run the command again after ${when}, or lower registries.${registry}.reservePulls. dray skips content that is up to date.`,
    })
  }
}

/** The pulls of a registry's quota that a run leaves for others; undefined: none. */
export type ReservedPulls = (registry: string) => number | undefined

/** The reserves of the registries of a run. */
export class PullReserves {
  readonly #reserved: ReservedPulls
  readonly #clock: Clock
  readonly #known = new Map<string, PullReserve | undefined>()

  constructor(reserved: ReservedPulls | undefined, clock: Clock) {
    this.#reserved = reserved ?? (() => undefined)
    this.#clock = clock
  }

  /** Returns the reserve of a registry; undefined if it has none. */
  of(registry: string): PullReserve | undefined {
    if (this.#known.has(registry)) return this.#known.get(registry)
    const pulls = this.#reserved(registry)
    const reserve = pulls === undefined ? undefined : new PullReserve(registry, pulls, this.#clock)
    this.#known.set(registry, reserve)
    return reserve
  }
}

/** The request after a check that fails reports the failure. @throws the signal's reason. */
async function attempt(check: () => Promise<unknown>, call: Call): Promise<void> {
  try {
    await check()
  } catch (error) {
    if (call.signal.aborted) throw error
  }
}
