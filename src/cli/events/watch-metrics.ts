import type { EventResult, WatchRunResult } from '../../usecases/watch/watch-report.ts'
import { escapeLabel, formatFamily, type MetricSample } from '../ci/exposition.ts'

/** Events and runs since the start. */
export class WatchCounts {
  readonly #events = new Map<string, number>()
  readonly #runs = new Map<string, number>()
  /** milliseconds since 1970, by source */
  readonly #lastEventAt = new Map<string, number>()

  /** @param source undefined: the request had no valid secret */
  countEvent(source: string | undefined, result: EventResult, now: number): void {
    const labels = `{source="${escapeLabel(source ?? 'unknown')}",result="${result}"}`
    this.#events.set(labels, (this.#events.get(labels) ?? 0) + 1)
    if (source !== undefined) this.#lastEventAt.set(source, now)
  }

  countRun(rule: string, result: WatchRunResult): void {
    const labels = `{rule="${escapeLabel(rule)}",result="${result}"}`
    this.#runs.set(labels, (this.#runs.get(labels) ?? 0) + 1)
  }

  /** The sums, by result. */
  totals(): {
    readonly events: Readonly<Record<string, number>>
    readonly runs: Readonly<Record<string, number>>
  } {
    return { events: sumsOf(this.#events), runs: sumsOf(this.#runs) }
  }

  /** The metrics in the text format of Prometheus. @param now milliseconds since 1970 */
  format(
    queue: { readonly length: number; readonly runs: number; readonly oldestAt: number | undefined },
    now: number,
  ): readonly string[] {
    const age = queue.oldestAt === undefined ? 0 : Math.max(0, now - queue.oldestAt) / 1000
    return [
      ...formatFamily(
        'dray_watch_events_total',
        'Events and refused requests since the start, by source and result.',
        [...this.#events],
        'counter',
      ),
      ...formatFamily(
        'dray_watch_runs_total',
        'Runs of tags since the start, by rule and result.',
        [...this.#runs],
        'counter',
      ),
      ...formatFamily('dray_watch_queue_length', 'Events that wait or run.', [['', queue.length]]),
      ...formatFamily('dray_watch_runs_active', 'Runs at this moment.', [['', queue.runs]]),
      ...formatFamily('dray_watch_queue_oldest_seconds', 'Age of the oldest event in the queue.', [
        ['', age],
      ]),
      ...formatFamily(
        'dray_watch_last_event_timestamp_seconds',
        'Time of the last event of a source, seconds since 1970.',
        [...this.#lastEventAt].map(([source, at]): MetricSample => [
          `{source="${escapeLabel(source)}"}`,
          at / 1000,
        ]),
      ),
    ]
  }
}

function sumsOf(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const sums = new Map<string, number>()
  for (const [labels, count] of counts) {
    const result = /result="(\w+)"/.exec(labels)?.[1] ?? ''
    sums.set(result, (sums.get(result) ?? 0) + count)
  }
  return Object.fromEntries(sums)
}
