import type { ProgressEvent } from '../../lib/call.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatDuration } from '../../render/text/format.ts'

type Quota = Extract<ProgressEvent, { kind: 'quota' }>

/** What registries said of their limits, and what of it is worth a line: the first word, that little is left, and the last. */
export class Quotas {
  readonly #last = new Map<string, Quota>()
  readonly #told = new Map<string, number>()

  /** The line to show for an event; undefined where it says nothing new. */
  note(quota: Quota): string | undefined {
    const { registry, remaining, limit } = quota
    this.#last.set(registry, quota)
    const told = this.#told.get(registry)
    const isLittle = remaining * 10 <= limit
    if (told !== undefined && !(isLittle && told * 10 > limit)) return undefined
    return this.#tell(quota)
  }

  /** How it stands at the end, where that was not told. */
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
