import { dayMs, formatDay } from '../../../lib/day.ts'
import { isWeekend } from '../../../lib/zones/local-time.ts'
import { BoundedMap, bounds, cutName, omission } from '../bounds.ts'
import type { VolumeFinding } from '../finding.ts'
import type { BaselineFacts, Observation, RuleDetector, AnomalyRuleResult } from '../observation.ts'
import { RecordLinks } from '../record-links.ts'
import { usualCount } from '../statistics.ts'

/** A smaller count is never unusual. */
const leastCount = 5
/** The days of the same kind that the baseline must have. */
const leastDays = 5

/** The changes of one actor, or of one operation to one environment. */
interface Series {
  /** changes by local day */
  readonly counts: Map<number, number>
  /** records of the days to check */
  readonly shown: Map<number, RecordLinks>
  first: number
}

/**
 * Days with far more changes than usual. A change is one image in one environment by one run.
 * Prunes have a rule of their own.
 */
export class Volumes implements RuleDetector {
  #days = 0
  #ignoredDays = 0
  readonly #series = new BoundedMap<string, Series>(bounds.names, () => ({
    counts: new Map(),
    shown: new Map(),
    first: Infinity,
  }))

  add(one: Observation): void {
    const { entry, actor } = one
    if (!one.isNewChange || entry.operation === 'prune') return
    const to = entry.environment?.to
    this.#count(JSON.stringify([actor]), one)
    if (to !== undefined) this.#count(JSON.stringify([entry.operation, cutName(to)]), one)
  }

  #count(key: string, one: Observation): void {
    const { day } = one.local
    const series = this.#series.at(key)
    if (series === undefined) return
    const { counts, shown } = series
    if (!counts.has(day) && ++this.#days > bounds.days) {
      this.#ignoredDays++
      return
    }
    counts.set(day, (counts.get(day) ?? 0) + 1)
    series.first = Math.min(series.first, day)
    if (!one.isShown) return
    const links = shown.get(day) ?? new RecordLinks()
    shown.set(day, links)
    links.add(one)
  }

  result(baseline: BaselineFacts): AnomalyRuleResult {
    if (baseline.tooShort !== undefined) return { findings: [], notEnoughData: baseline.tooShort }
    const findings: VolumeFinding[] = []
    let unknown = 0
    let compared = 0
    for (const [key, { counts, shown, first }] of this.#series.entries()) {
      const usual = (day: number): readonly number[] => countsOfKind(counts, first, baseline.sinceDay, day)
      for (const [day, links] of shown) {
        const observed = counts.get(day) ?? 0
        const others = usual(day)
        if (others.length < leastDays) {
          unknown++
          continue
        }
        compared++
        const { median, limit } = usualCount(others)
        if (observed < leastCount || observed <= limit) continue
        findings.push(findingOf(key, day, { observed, median, limit, days: others.length }, links))
      }
    }
    const { omissions = [] } = omission(this.#series.ignored + this.#ignoredDays, 'actors and days')
    const reason = `${unknown === 1 ? '1 daily count has' : `${unknown} daily counts have`} fewer than ${leastDays} days of the same kind (weekday or weekend) to compare`
    if (unknown === 0) return { findings, omissions }
    if (compared === 0) return { findings, notEnoughData: reason }
    return { findings, omissions: [reason, ...omissions] }
  }
}

/** The counts of the days of one kind before the period, since the first change of the series. */
function countsOfKind(
  counts: ReadonlyMap<number, number>,
  first: number,
  sinceDay: number,
  day: number,
): readonly number[] {
  const kind = isWeekend(day)
  const list: number[] = []
  for (let one = first; one < sinceDay; one++) if (isWeekend(one) === kind) list.push(counts.get(one) ?? 0)
  return list
}

function findingOf(
  key: string,
  day: number,
  numbers: Pick<VolumeFinding, 'observed' | 'median' | 'limit' | 'days'>,
  links: RecordLinks,
): VolumeFinding {
  const [first = '', environment] = JSON.parse(key) as string[]
  const isOfActor = environment === undefined
  return {
    rule: 'volume',
    ...(isOfActor
      ? { actor: first }
      : { operation: first as NonNullable<VolumeFinding['operation']>, environment }),
    date: formatDay(day * dayMs),
    kindOfDay: isWeekend(day) ? 'weekend' : 'weekday',
    ...numbers,
    ...links.fields({ by: isOfActor ? ['actor'] : ['operation', 'env'] }),
  }
}
