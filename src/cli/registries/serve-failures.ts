import type { AccessEntry } from '../../embedded/access/access.ts'
import type { Clock } from '../../lib/clock.ts'
import { explainFailure, systemCode } from '../../lib/files/io-error.ts'

/** Milliseconds between two lines about the same cause. */
const quietMs = 60_000
/** Causes that are remembered. */
const maxCauses = 100

interface ReportedCause {
  at: number
  /** failures since the line */
  unreported: number
}

/**
 * Reports requests that the registry could not answer: the first one of each cause at once, and one
 * line a minute as long as others follow.
 */
export class ServeFailures {
  readonly #place: string
  readonly #clock: Clock
  readonly #warn: (text: string) => void
  readonly #causes = new Map<string, ReportedCause>()

  /** @param place the folder, or the memory, as a person reads it */
  constructor(place: string, clock: Clock, warn: (text: string) => void) {
    this.#place = place
    this.#clock = clock
    this.#warn = warn
  }

  note({ method, status, error }: Pick<AccessEntry, 'method' | 'status' | 'error'>): void {
    if (error === undefined || status < 500) return
    const { key, why } = causeOf(error)
    const now = this.#clock.now()
    const known = this.#causes.get(key)
    if (known !== undefined && now - known.at < quietMs) {
      known.unreported++
      return
    }
    const unreported = known?.unreported ?? 0
    const more =
      unreported === 0 ? '' : `; ${unreported} more requests failed for this reason since the last message`
    this.#warn(`the registry in ${this.#place} answered a ${method} with ${status}: ${why}${more}`)
    if (this.#causes.size >= maxCauses) this.#causes.clear()
    this.#causes.set(key, { at: now, unreported: 0 })
  }
}

/** The failure of the system behind an error, or the error itself. */
function causeOf(error: unknown): { readonly key: string; readonly why: string } {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = systemCode(at)
    // The code of a `DrayError` is not the system's.
    if (code !== undefined && 'syscall' in at) return { key: code, why: explainFailure(at) }
  }
  const why = error instanceof Error ? error.message : String(error)
  return { key: why, why }
}
