import type { ProgressEvent } from '../../lib/call.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatDuration } from '../../render/text/format.ts'

type Quota = Extract<ProgressEvent, { kind: 'quota' }>

/**
 * The rate limits of registries. Each has at most three lines: the first value, the first value of
 * at most a tenth, and the last one.
 */
export class Quotas {
  readonly #last = new Map<string, Quota>()
  readonly #shown = new Map<string, number>()

  /** Returns the line for an event; undefined if the values changed too little to show them. */
  note(quota: Quota): string | undefined {
    const { registry, remaining, limit } = quota
    this.#last.set(registry, quota)
    const shown = this.#shown.get(registry)
    const isLittle = remaining * 10 <= limit
    if (shown !== undefined && !(isLittle && shown * 10 > limit)) return undefined
    return this.#lineOf(quota)
  }

  /** Returns lines with the last values that were not shown. */
  rest(): readonly string[] {
    return [...this.#last.values()].flatMap((quota) =>
      this.#shown.get(quota.registry) === quota.remaining ? [] : [this.#lineOf(quota)],
    )
  }

  #lineOf(quota: Quota): string {
    const { registry, remaining, limit, windowS } = quota
    this.#shown.set(registry, remaining)
    return `${escapeText(registry)}: ${remaining} of ${limit} pulls left (per ${formatDuration(windowS * 1000)})`
  }
}
