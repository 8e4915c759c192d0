import { dayMs, formatDay } from '../../../lib/day.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { RepositoryUsage } from '../usage-report.ts'

/** The size of a repository on one day, for later runs. */
export interface UsageRecord {
  /** `2026-03-04`, UTC */
  readonly day: string
  /** `registry.example.com/dev/api` */
  readonly repository: string
  readonly tags: number
  readonly manifests: number
  /** of all its content */
  readonly bytes: number
  /** the part that no tagged image has; null without an inventory */
  readonly untagged: number | null
}

/** Days that keep a record of their own. Of older months, the first record stays. */
const dailyFor = 90
const monthlyFor = 60
/** About 64 MiB. */
const maxRecords = 400_000

/**
 * Adds the records of a day to the earlier ones: a record replaces one of the same repository and
 * day. Removes old records, so that the result is bounded. Sorted by day. Pure.
 */
export function addRecords(
  earlier: readonly UsageRecord[],
  added: readonly UsageRecord[],
  today: string,
): readonly UsageRecord[] {
  const records = new Map<string, UsageRecord>()
  for (const one of [...earlier, ...added].toSorted(byDay)) {
    const period = periodOf(one.day, today)
    if (period === undefined) continue
    const key = `${one.repository} ${period}`
    // The first record of a month stays, and the last one of a day.
    if (period === one.day || !records.has(key)) records.set(key, one)
  }
  return [...records.values()].toSorted(byDay).slice(-maxRecords)
}

/** Sorting is stable: added records stay behind earlier ones of their day. */
function byDay(a: UsageRecord, b: UsageRecord): number {
  return a.day < b.day ? -1 : a.day > b.day ? 1 : 0
}

/** The day or month of which one record is kept; undefined: none is. */
function periodOf(day: string, today: string): string | undefined {
  if (daysBetween(day, today) <= dailyFor) return day
  const months = (Number(today.slice(0, 4)) - Number(day.slice(0, 4))) * 12
  const age = months + Number(today.slice(5, 7)) - Number(day.slice(5, 7))
  return age <= monthlyFor ? day.slice(0, 7) : undefined
}

/** Negative if `to` is earlier. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / dayMs)
}

/** Makes the record of today. Pure. */
export function recordOf(
  {
    repository,
    tags,
    manifests,
    bytes: { stored, untagged },
  }: Pick<RepositoryUsage, 'repository' | 'tags' | 'manifests' | 'bytes'>,
  now: number,
): UsageRecord {
  return {
    day: formatDay(now),
    repository: formatRepository(repository),
    tags,
    manifests,
    bytes: stored,
    untagged: untagged === 'unknown' ? null : untagged,
  }
}
