import { dayMs } from '../day.ts'
import { clockIn } from './clock-in.ts'

/** A moment by the clock on the wall of a time zone. */
export interface LocalTime {
  /** days from 1970-01-01 to the local date */
  readonly day: number
  /** 0 to 23 */
  readonly hour: number
}

const hourMs = 3_600_000
/** Offsets of zones change only at the beginning of a quarter of an hour in UTC. */
const slotMs = 900_000
/** More than the slots of a year. */
const maxSlots = 40_000

/** Whether `name` is an IANA time zone, such as `Europe/Berlin` or `UTC`. */
export function isTimeZone(name: string): boolean {
  // Intl also accepts offsets, which have no daylight saving time.
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).format(0) !== ''
  } catch {
    return false
  }
}

/**
 * Returns a function from milliseconds since 1970 to the time in a zone. An hour that daylight
 * saving time repeats is the same hour twice, and one that it skips has no moment. @throws
 * RangeError for an unknown zone.
 */
export function localTimes(zone: string): (time: number) => LocalTime {
  const clockAt = clockIn(zone)
  // Formatting is slow, and a log has millions of records.
  const offsets = new Map<number, number>()
  const offsetAt = (time: number): number => {
    const slot = Math.floor(time / slotMs)
    const known = offsets.get(slot)
    if (known !== undefined) return known
    if (offsets.size >= maxSlots) offsets.clear()
    const offset = clockAt(slot * slotMs) - slot * slotMs
    offsets.set(slot, offset)
    return offset
  }
  return (time) => {
    const local = time + offsetAt(time)
    const day = Math.floor(local / dayMs)
    return {
      day,
      hour: Math.floor((local - day * dayMs) / hourMs),
    }
  }
}

/** Whether a day is a Saturday or Sunday. @param day since 1970-01-01, which was a Thursday */
export function isWeekend(day: number): boolean {
  const weekday = (((day + 4) % 7) + 7) % 7
  return weekday === 0 || weekday === 6
}
