import type { Clock } from '../../lib/clock.ts'
import { httpDate } from '../http/headers.ts'

/** `Date` has whole seconds, so it is half a second old on average. */
const halfSecondMs = 500

/** How far the clocks of registries are ahead of this machine's. */
export class RegistryClocks {
  readonly #clock: Clock
  readonly #differences = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Learns from the `Date` (RFC 9110, section 6.6.1) of a new answer. An answer from a cache
   * (`Age`) has an old one.
   */
  note(registry: string, headers: ReadonlyMap<string, string>): void {
    const now = this.#clock.now()
    const date = httpDate(headers.get('date') ?? '', now)
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
