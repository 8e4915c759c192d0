import { endOfDay } from '../../lib/day.ts'

/** Returns the problem of a date such as `2027-01-31`, or undefined. */
export function dateProblem(date: string): string | undefined {
  return endOfDay(date) === undefined ? `${date} is not a day of the calendar` : undefined
}
