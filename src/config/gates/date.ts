const dayMs = 86_400_000

/** When a day that was checked by `dateProblem` ends, milliseconds since 1970, in UTC. */
export function endOfDay(date: string): number {
  return Date.parse(date) + dayMs
}

/** Returns the problem of a date such as `2027-01-31`, or undefined. */
export function dateProblem(date: string): string | undefined {
  const ms = Date.parse(date)
  // JavaScript accepts February 30 and reads March 2.
  const isReal = Number.isFinite(ms) && new Date(ms).toISOString().startsWith(date)
  return isReal ? undefined : `${date} is not a day of the calendar`
}

/**
 * The same day in the next year, such as `2027-11-28`, in UTC.
 * @param now milliseconds since 1970
 */
export function aYearAfter(now: number): string {
  const day = new Date(now)
  day.setUTCFullYear(day.getUTCFullYear() + 1)
  return day.toISOString().slice(0, 10)
}
