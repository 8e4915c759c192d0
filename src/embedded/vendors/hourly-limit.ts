import type { VendorState } from './vendor.ts'

const hourMs = 3_600_000

/** Counts the requests to the API of a vendor, and refuses more than its options allow. */
export class HourlyLimit {
  #hour = -1
  #requests = 0

  /** Counts a request. Returns the seconds until requests are allowed again, or undefined. */
  take({ clock, options }: VendorState): number | undefined {
    const now = clock.now()
    const hour = Math.floor(now / hourMs)
    if (hour !== this.#hour) this.#requests = 0
    this.#hour = hour
    this.#requests += 1
    if (this.#requests <= (options.requestsPerHour ?? Infinity)) return undefined
    return Math.ceil(((hour + 1) * hourMs - now) / 1000)
  }
}
