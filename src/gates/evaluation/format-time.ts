const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** `2026-11-25 09:14` in UTC, of milliseconds since 1970. @throws RangeError for no time. */
export function formatMinute(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}

/** `2026-11-25` in UTC, of milliseconds since 1970. @throws RangeError for no time. */
export function formatDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** A span in its largest whole unit: `40 s`, `12 min`, `36 h`, `9 d`. */
export function formatSpan(ms: number): string {
  const length = Math.max(0, ms)
  if (length < minute) return `${Math.floor(length / 1000)} s`
  if (length < hour) return `${Math.floor(length / minute)} min`
  return length < 2 * day ? `${Math.floor(length / hour)} h` : `${Math.floor(length / day)} d`
}

/** The end of a day in UTC, `2027-01-31`, in milliseconds since 1970: a date includes its day. */
export function endOfDay(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) + day
}
