import { dayMs } from '../../lib/day.ts'

const minute = 60_000
const hour = 60 * minute

/** `2026-11-25 09:14` in UTC, of milliseconds since 1970. @throws RangeError for no time. */
export function formatMinute(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}

/** A span in its largest whole unit: `40 s`, `12 min`, `36 h`, `9 d`. */
export function formatSpan(ms: number): string {
  const length = Math.max(0, ms)
  if (length < minute) return `${Math.floor(length / 1000)} s`
  if (length < hour) return `${Math.floor(length / minute)} min`
  return length < 2 * dayMs ? `${Math.floor(length / hour)} h` : `${Math.floor(length / dayMs)} d`
}
