/**
 * A record has its time before it waits for the lock of the log, at most for a minute, so records
 * of several runs can be that much out of order.
 */
const toleranceMs = 60_000

/** Records whose time is before that of the record before them, by more than a minute. */
export interface BackwardTimes {
  readonly count: number
  readonly first: { readonly line: number; readonly time: string; readonly before: string }
}

/**
 * Finds times that go backward: a clock was set back, or a run was suspended before it wrote. The
 * order of the lines is that of writing, so this is no problem of a log.
 */
export class TimeOrder {
  backward: BackwardTimes | undefined
  #last = ''

  note(time: string, line: number): void {
    const before = this.#last
    this.#last = time
    // ISO 8601 in UTC sorts as text, so most times need not be parsed.
    if (time >= before || Date.parse(before) - Date.parse(time) <= toleranceMs) return
    const { count = 0, first = { line, time, before } } = this.backward ?? {}
    this.backward = { count: count + 1, first }
  }
}
