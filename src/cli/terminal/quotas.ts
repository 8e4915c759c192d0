import type { ProgressEvent } from '../../lib/call.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatDuration } from '../../render/text/format.ts'

type Quota = Extract<ProgressEvent, { kind: 'quota' }>

/**
 * The rate limits of registries. Shows the first value, the moment when little is left, and the
 * last value.
 */
export class Quotas {
  readonly #last = new Map<string, Quota>()
  readonly #told = new Map<string, number>()

  /** The line for an event; undefined if it is not worth showing. */
  note(quota: Quota): string | undefined {
    const { registry, remaining, limit } = quota
    this.#last.set(registry, quota)
    const told = this.#told.get(registry)
    const isLittle = remaining * 10 <= limit
    if (told !== undefined && !(isLittle && told * 10 > limit)) return undefined
    return this.#tell(quota)
  }

  /** The last values that were not shown. */
  rest(): readonly string[] {
    return [...this.#last.values()].flatMap((quota) =>
      this.#told.get(quota.registry) === quota.remaining ? [] : [this.#tell(quota)],
    )
  }

  #tell(quota: Quota): string {
    const { registry, remaining, limit, windowS } = quota
    this.#told.set(registry, remaining)
    return `${escapeText(registry)}: ${remaining} of ${limit} pulls left, per ${formatDuration(windowS * 1000)}`
  }
}
