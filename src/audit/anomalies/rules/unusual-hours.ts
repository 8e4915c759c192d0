import { dayMs, formatDay } from '../../../lib/day.ts'
import { BoundedMap, bounds, omission } from '../bounds.ts'
import type { HourFinding } from '../finding.ts'
import type { BaselineFacts, Observation, RuleDetector, AnomalyRuleResult } from '../observation.ts'
import { RecordLinks } from '../record-links.ts'

const hoursOfDay = 24
/** The runs of an actor that the baseline must have. */
const leastRuns = 20
/** An hour is unusual if a smaller share of the actor's runs was within an hour of it. */
const usualShare = 0.005

interface ActorHours {
  /** runs of the baseline by local hour */
  readonly hours: number[]
  total: number
}

/**
 * Runs at hours at which their actor does not work. It counts runs and not records: one run with
 * many images would make all other hours rare.
 */
export class UnusualHours implements RuleDetector {
  readonly #actors = new BoundedMap<string, ActorHours>(bounds.names, () => ({
    hours: Array.from({ length: hoursOfDay }, () => 0),
    total: 0,
  }))
  /** the runs to check by actor, local day and hour */
  readonly #groups = new BoundedMap<string, { runs: number; readonly links: RecordLinks }>(
    bounds.groups,
    () => ({ runs: 0, links: new RecordLinks() }),
  )

  add(one: Observation): void {
    const { actor, local, isNewRun, isScored, isShown } = one
    if (isScored) {
      if (!isShown) return
      const group = this.#groups.at(JSON.stringify([actor, local.day, local.hour]))
      if (group === undefined) return
      if (isNewRun) group.runs++
      group.links.add(one)
      return
    }
    const hours = isNewRun ? this.#actors.at(actor) : undefined
    if (hours === undefined) return
    hours.total++
    hours.hours[local.hour] = (hours.hours[local.hour] ?? 0) + 1
  }

  result({ tooShort }: BaselineFacts): AnomalyRuleResult {
    if (tooShort !== undefined) return { findings: [], notEnoughData: tooShort }
    const findings: HourFinding[] = []
    const unknown = new Map<string, number>()
    for (const [key, { runs, links }] of this.#groups.entries()) {
      const [actor, day, hour] = JSON.parse(key) as [string, number, number]
      const { hours = [], total = 0 } = this.#actors.find(actor) ?? {}
      if (total < leastRuns) {
        unknown.set(actor, total)
        continue
      }
      const nearby = [hour - 1, hour, hour + 1].reduce(
        (sum, one) => sum + (hours[(one + hoursOfDay) % hoursOfDay] ?? 0),
        0,
      )
      // The records of a run may reach into an hour at which no run begins.
      if (runs === 0 || nearby / total >= usualShare) continue
      findings.push({
        rule: 'unusualHour',
        actor,
        date: formatDay(day * dayMs),
        hour,
        runs,
        baselineRuns: total,
        nearby,
        ...links.fields({ by: ['actor'] }),
      })
    }
    const { omissions = [] } = omission(this.#groups.ignored, 'hours with runs')
    const reasons = unknown.size === 0 ? omissions : [tooFewRuns(unknown), ...omissions]
    return { findings, omissions: reasons }
  }
}

/** More names than these are only counted. */
const maxNames = 5

function tooFewRuns(actors: ReadonlyMap<string, number>): string {
  const named = [...actors].slice(0, maxNames).map(([actor, runs]) => `${actor} (${runs})`)
  const others = actors.size - named.length
  return `fewer than ${leastRuns} runs in the baseline: ${named.join(', ')}${others > 0 ? ` and ${others} others` : ''}`
}
