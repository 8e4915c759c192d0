import type { EndpointResponse } from '../../response.ts'
import type { VendorState } from '../vendor.ts'
import { refused } from './answers.ts'

const hourMs = 3_600_000
const minuteMs = 60_000
/** the limit of a user's token (docs.github.com/rest, Rate limits for the REST API) */
const usualRequestsPerHour = 5000
/** the secondary limit: a GET is one point, and a change is five */
const pointsPerMinute = 900

interface RequestWindow {
  readonly startedAt: number
  used: number
}

/** The limits of requests: per hour if the options have one, and per minute with a trait. */
export class RequestLimits {
  readonly #state: VendorState
  #hour: RequestWindow
  #minute: RequestWindow

  constructor(state: VendorState) {
    this.#state = state
    this.#hour = { startedAt: state.clock.now(), used: 0 }
    this.#minute = { ...this.#hour }
  }

  /** Counts a request. Returns the refusal if it is one too many. */
  count(method: string): EndpointResponse | undefined {
    const now = this.#state.clock.now()
    if (now >= this.#hour.startedAt + hourMs) this.#hour = { startedAt: now, used: 0 }
    if (now >= this.#minute.startedAt + minuteMs) this.#minute = { startedAt: now, used: 0 }
    const { requestsPerHour, traits } = this.#state.options
    if (requestsPerHour !== undefined && this.#hour.used >= requestsPerHour)
      return refused(403, 'API rate limit exceeded', this.headers())
    this.#minute.used += method === 'GET' || method === 'HEAD' ? 1 : 5
    if (traits?.has('secondary-limit') === true && this.#minute.used > pointsPerMinute) {
      const seconds = Math.ceil((this.#minute.startedAt + minuteMs - now) / 1000)
      return refused(403, 'a secondary rate limit was exceeded', { 'Retry-After': String(seconds) })
    }
    this.#hour.used++
    return undefined
  }

  /** An answer 304 does not count. */
  uncount(): void {
    this.#hour.used--
  }

  headers(): Readonly<Record<string, string>> {
    const limit = this.#state.options.requestsPerHour ?? usualRequestsPerHour
    return {
      'X-RateLimit-Limit': String(limit),
      'X-RateLimit-Remaining': String(Math.max(0, limit - this.#hour.used)),
      'X-RateLimit-Reset': String(Math.ceil((this.#hour.startedAt + hourMs) / 1000)),
    }
  }
}
