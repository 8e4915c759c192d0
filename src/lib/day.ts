/** The milliseconds of a day. */
export const dayMs = 86_400_000

/**
 * Returns when a day in UTC such as `2027-01-31` ends, in milliseconds since 1970: an expiry date
 * includes its day. Undefined for other text and for a day that the calendar does not have.
 */
export function endOfDay(date: string): number | undefined {
  const begin = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
  // JavaScript reads February 30 as March 2.
  const isReal = !Number.isNaN(begin) && formatDay(begin) === date
  return isReal ? begin + dayMs : undefined
}

/** `2026-11-25` in UTC, of milliseconds since 1970. @throws RangeError for no time. */
export function formatDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** The same day in the next year, `2027-11-28` in UTC, of milliseconds since 1970. */
export function aYearAfter(time: number): string {
  const day = new Date(time)
  day.setUTCFullYear(day.getUTCFullYear() + 1)
  return formatDay(day.getTime())
}
