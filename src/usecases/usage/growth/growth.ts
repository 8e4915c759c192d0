import type { UsageGrowth } from '../usage-report.ts'
import { daysBetween, type UsageRecord } from './usage-record.ts'

/**
 * Compares the size of a repository with the recorded day that is nearest to `days` ago. Undefined:
 * there is no record of another day. Content without a tag counts only if both days know it. Pure.
 * @param records of this repository
 */
export function growthSince(
  records: readonly UsageRecord[],
  current: UsageRecord,
  days: number,
): UsageGrowth | undefined {
  const distance = (record: UsageRecord): number => Math.abs(daysBetween(record.day, current.day) - days)
  // A day in the future was written with a wrong clock.
  const earlier = records.filter(({ day }) => day < current.day)
  const [first, ...others] = earlier
  if (first === undefined) return undefined
  const from = others.reduce((best, one) => (distance(one) < distance(best) ? one : best), first)
  const isComparable = from.untagged !== null && current.untagged !== null
  const sizeOf = ({ bytes, untagged }: UsageRecord): number =>
    isComparable ? bytes : bytes - (untagged ?? 0)
  return {
    bytes: sizeOf(current) - sizeOf(from),
    from: from.day,
    days: daysBetween(from.day, current.day),
    source: 'history',
  }
}

/** The sum of the repositories whose growth is known. Pure. */
export function sumGrowth(all: readonly UsageGrowth[]): UsageGrowth | undefined {
  const [first, ...others] = all
  if (first === undefined) return undefined
  return others.reduce(
    (sum, one) => ({
      bytes: sum.bytes + one.bytes,
      ...(one.days > sum.days ? { from: one.from, days: one.days } : { from: sum.from, days: sum.days }),
      source: one.source === sum.source ? sum.source : 'history',
    }),
    first,
  )
}
