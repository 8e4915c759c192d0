import type { Clock } from '../../lib/clock.ts'
import { httpDate } from '../http/headers.ts'

/** `Date` has whole seconds, so it is half a second old on average. */
const halfSecondMs = 500

/** How far the clocks of registries are ahead of this machine's. */
export class RegistryClocks {
  readonly #clock: Clock
  readonly #differences = new Map<string, number>()
  /** the date of the latest answer; answers of the same second have the same text */
  #latest: { readonly text: string; readonly date: number | undefined } = { text: '', date: undefined }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Learns from the `Date` (RFC 9110, section 6.6.1) of a new answer. An answer from a cache
   * (`Age`) has an old one.
   */
  note(registry: string, headers: ReadonlyMap<string, string>): void {
    const now = this.#clock.now()
    const text = headers.get('date') ?? ''
    if (text !== this.#latest.text) this.#latest = { text, date: httpDate(text, now) }
    const { date } = this.#latest
    if (date === undefined || isFromCache(headers)) return
    this.#differences.set(registry, date + halfSecondMs - now)
  }

  /** Returns the milliseconds that a registry is ahead; undefined without a `Date` header. */
  difference(registry: string): number | undefined {
    return this.#differences.get(registry)
  }
}

function isFromCache(headers: ReadonlyMap<string, string>): boolean {
  const age = headers.get('age')
  return age !== undefined && age.trim() !== '0'
}
