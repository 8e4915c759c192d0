import type { Environment } from '@marcbachmann/cel-js'
import { dayMs } from '../../lib/day.ts'
import { clockIn } from '../../lib/zones/clock-in.ts'
import { parseCreated } from '../../oci/created.ts'

/**
 * Functions that dray replaces under another name, because those of the library depend on the time
 * zone of this machine: they read a text without a zone as local time, and fail in the hour that
 * daylight saving time skips.
 */
const suffix = 'Strict'

/** Parts of a time, numbered as CEL numbers them. `at` is the time as if its zone were UTC. */
const parts: Readonly<Record<string, (at: Date) => number>> = {
  getFullYear: (at) => at.getUTCFullYear(),
  getMonth: (at) => at.getUTCMonth(),
  getDate: (at) => at.getUTCDate(),
  getDayOfMonth: (at) => at.getUTCDate() - 1,
  getDayOfWeek: (at) => at.getUTCDay(),
  getDayOfYear: (at) => Math.floor((at.getTime() - Date.UTC(at.getUTCFullYear(), 0, 1)) / dayMs),
  getHours: (at) => at.getUTCHours(),
  getMinutes: (at) => at.getUTCMinutes(),
  getSeconds: (at) => at.getUTCSeconds(),
  getMilliseconds: (at) => at.getUTCMilliseconds(),
}

/** Returns the name that a function has in the evaluator. */
export function replaceTimeFunction(name: string): string {
  return name === 'timestamp' || Object.hasOwn(parts, name) ? `${name}${suffix}` : name
}

/** Returns a message of the evaluator with the names that the user wrote. */
export function withOriginalNames(message: string): string {
  return message.replaceAll(new RegExp(`\\b(timestamp|get[A-Z][A-Za-z]*)${suffix}\\b`, 'g'), '$1')
}

/** Registers `timestamp()` and the parts of a time, in UTC or in a named zone. */
export function registerTimeFunctions(environment: Environment): void {
  const type = 'google.protobuf.Timestamp'
  const synchronous = { async: false }
  environment.registerFunction(`timestamp${suffix}(string): ${type}`, parseTimestamp, synchronous)
  environment.registerFunction(
    `timestamp${suffix}(int): ${type}`,
    (seconds: bigint) => new Date(Number(seconds) * 1000),
    synchronous,
  )
  for (const [name, part] of Object.entries(parts)) {
    environment.registerFunction(
      `${type}.${name}${suffix}(): int`,
      (at: Date) => BigInt(part(at)),
      synchronous,
    )
    environment.registerFunction(
      `${type}.${name}${suffix}(string): int`,
      (at: Date, zone: string) => BigInt(part(inZone(at, zone))),
      synchronous,
    )
  }
}

function parseTimestamp(text: string): Date {
  const at = parseCreated(text)
  if (at === undefined) throw new RangeError('timestamp() needs a time with a zone, as RFC 3339 writes it')
  return new Date(at)
}

/** Returns the time that a clock in the zone shows, as if it were UTC. Throws for no zone. */
function inZone(at: Date, zone: string): Date {
  return new Date(clockIn(zone)(at) + at.getUTCMilliseconds())
}
