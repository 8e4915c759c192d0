import { AnomalyDetector } from '../../../src/audit/anomalies/detector.ts'
import type { AnomalyFinding } from '../../../src/audit/anomalies/finding.ts'
import {
  baselineDays,
  dayMs,
  firstDay,
  hourMs,
  type Incident,
  scoredDays,
  simulateLog,
  zone,
} from './simulated-log.ts'

interface Score {
  /** findings that no incident explains, of all scored weeks, by rule */
  readonly falseFindings: ReadonlyMap<string, number>
  readonly missed: readonly string[]
  readonly weeks: number
}

/** Checks each scored week of a simulated log against the 90 days before it. */
export function scoreLog(seed: number, hasIncidents: boolean): Score {
  const { entries, incidents } = simulateLog(seed, hasIncidents)
  const falseFindings = new Map<string, number>()
  const found = new Set<Incident>()
  const weeks = scoredDays / 7
  for (let week = 0; week < weeks; week++) {
    // The weeks of the report begin at midnight in the zone of the people.
    const since = firstDay + (baselineDays + week * 7) * dayMs - hourMs
    const detector = new AnomalyDetector({
      baseline: since - 90 * dayMs,
      since,
      now: since + 7 * dayMs,
      timezone: zone,
      matches: () => true,
    })
    for (const entry of entries) detector.add(entry)
    for (const finding of detector.result().findings) {
      const explained = incidents.filter((one) => explains(one, finding))
      for (const one of explained) if (one.rule === finding.rule) found.add(one)
      if (explained.length === 0) falseFindings.set(finding.rule, (falseFindings.get(finding.rule) ?? 0) + 1)
    }
  }
  const missed = incidents.filter((one) => !found.has(one)).map(({ name }) => name)
  return { falseFindings, missed, weeks }
}

function explains({ day, actor }: Incident, finding: AnomalyFinding): boolean {
  const ofDay = Math.floor((Date.parse(finding.from) + 2 * hourMs - firstDay) / dayMs)
  const isOfActor = finding.actor === undefined || finding.actor === actor
  return ofDay === day && isOfActor
}

/** The false findings of a rule in a week, over several logs. */
export function falsePerWeek(scores: readonly Score[], rule: string): number {
  const count = scores.reduce((sum, { falseFindings }) => sum + (falseFindings.get(rule) ?? 0), 0)
  return count / scores.reduce((sum, { weeks }) => sum + weeks, 0)
}
