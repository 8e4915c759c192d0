import type { UsageHistory } from '../usage-report.ts'
import type { UsageRecord } from './usage-record.ts'

/** Repositories with a series of their own; the rest is one series. */
const maxSeries = 29
const othersSeries = 'others'

/** The repositories of a report, the largest first, with their short names. */
export interface NamedSeries {
  readonly repository: string
  readonly name: string
}

/**
 * Arranges records as bytes per day of the largest repositories and of the others together. A
 * repository without a record of a day has its last recorded bytes. Pure.
 * @param records sorted by day; those of other repositories are ignored
 */
export function arrangeHistory(
  records: readonly UsageRecord[],
  repositories: readonly NamedSeries[],
): UsageHistory {
  const own = repositories.slice(0, repositories.length > maxSeries + 1 ? maxSeries : maxSeries + 1)
  const hasOthers = own.length < repositories.length
  const series = [...own.map(({ name }) => name), ...(hasOthers ? [othersSeries] : [])]
  const indexes = new Map(repositories.map(({ repository }, i) => [repository, Math.min(i, own.length)]))
  const last = new Map<string, number>()
  const sums: (number | null)[] = series.map(() => null)
  const points: { day: string; bytes: readonly (number | null)[] }[] = []
  for (const { day, repository, bytes } of records) {
    const index = indexes.get(repository)
    if (index === undefined) continue
    sums[index] = (sums[index] ?? 0) + bytes - (last.get(repository) ?? 0)
    last.set(repository, bytes)
    if (points.at(-1)?.day === day) points.pop()
    points.push({ day, bytes: [...sums] })
  }
  return { series, points }
}
