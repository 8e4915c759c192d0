import type { Clock } from '../../lib/clock.ts'
import { httpDate } from '../http/headers.ts'

/** `Date` has whole seconds, so that what it names is half a second past on average. */
const halfSecondMs = 500

/** How far the clocks of registries are from this machine's, as far as their answers said. */
export class RegistryClocks {
  readonly #clock: Clock
  readonly #differences = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Learns from `Date` (RFC 9110, 6.6.1) of an answer that came just now; an answer out of a cache (`Age`) tells of another time. */
  note(registry: string, headers: ReadonlyMap<string, string>): void {
    const now = this.#clock.now()
    const date = httpDate(headers.get('date') ?? '', now)
    if (date === undefined || isFromCache(headers)) return
    this.#differences.set(registry, date + halfSecondMs - now)
  }

  /** Milliseconds that the registry is ahead; undefined where it never said. */
  difference(registry: string): number | undefined {
    return this.#differences.get(registry)
  }
}

function isFromCache(headers: ReadonlyMap<string, string>): boolean {
  const age = headers.get('age')
  return age !== undefined && age.trim() !== '0'
}
