import type { Digest } from '../../oci/digest.ts'
import { escapeText } from './escape.ts'
import type { Page } from './style.ts'

const byteUnits = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `812 B`, `3.4 MiB`, `120 GiB`: at most three digits, units of 1024. */
export function formatBytes(bytes: number): string {
  let amount = bytes
  let unit = 'B'
  for (const next of byteUnits) {
    // A value that rounds to 1000 or more uses the next unit.
    if (amount < 999.5) break
    amount /= 1024
    unit = next
  }
  const digits = unit === 'B' || amount >= 99.95 ? 0 : 1
  return `${amount.toFixed(digits)} ${unit}`
}

/** `less than 1 s`, `3 s`, `1 min 5 s`, `2 h 3 min`: whole numbers of at most two units. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 1) return 'less than 1 s'
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return twoUnits(seconds, 60, 'min', 's')
  return twoUnits(Math.round(seconds / 60), 60, 'h', 'min')
}

/** The time of one request, for a log: `12 ms`, `1.5 s`, `1 min 5 s`. */
export function formatLatency(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  return ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms)
}

/** Omits a rest of zero. */
function twoUnits(amount: number, perUnit: number, unit: string, restUnit: string): string {
  const rest = amount % perUnit
  const whole = `${Math.floor(amount / perUnit)} ${unit}`
  return rest === 0 ? whole : `${whole} ${rest} ${restUnit}`
}

/** An age in one unit: `45s`, `12m`, `36h`, `9d`, `7mo`, `2y`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (days < 60) return `${days}d`
  // Months and years of mean length.
  return days < 730.5 ? `${Math.floor(days / 30.4375)}mo` : `${Math.floor(days / 365.25)}y`
}

/** `2026-03-04 05:06:07` */
export function formatShortTime(time: string): string {
  return escapeText(`${time.slice(0, 10)} ${time.slice(11, 19)}`)
}

/** The algorithm and the first twelve digits. */
export function shortenDigest(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':') + 13)
}

/** Short on a terminal; whole in a pipe, for programs that read columns. */
export function formatDigestOn(page: Page, digest: Digest): string {
  return page.width === undefined ? digest : shortenDigest(digest)
}

/** Only the first twelve digits. */
export function shortenHex(digest: Digest): string {
  const begin = digest.indexOf(':') + 1
  return digest.slice(begin, begin + 12)
}

/** `1 tag`, `2 tags`; `plural` for an irregular noun. */
export function formatCount(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`
}

/** Formats the first texts of a list and the number of the others: `a, b and 3 more`. */
export function formatFirst(texts: readonly string[], most: number): string {
  const more = texts.length - most
  return `${texts.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Two decimals of an amount of money; the configuration does not name the currency. */
export function formatCost(cost: number): string {
  return cost > 0 && cost < 0.01 ? '<0.01' : cost.toFixed(2)
}
