import { AnomalyDetector, type AnomalyOptions } from '../../../src/audit/anomalies/detector.ts'
import type { AnomalyFinding, AnomalyReport, AnomalyRule } from '../../../src/audit/anomalies/finding.ts'
import type { AuditRecord, LogEntry } from '../../../src/audit/log/record.ts'
import { recordOf } from '../log-lines.ts'

const dayMs = 86_400_000
/** A Monday. */
export const since = Date.parse('2026-11-16T00:00:00Z')
export const baseline = since - 91 * dayMs

let runs = 0

/** One record of a run of its own. */
export function entry(time: number | string, over: Partial<AuditRecord> = {}): LogEntry {
  const id = ++runs
  const iso = typeof time === 'string' ? time : new Date(time).toISOString()
  return { ...recordOf({ id: `id-${id}`, run: `run-${id}`, time: iso, ...over }), seq: id, prev: null }
}

/** One run on each of the days before the period, at 10:00 UTC, by the actor of `recordOf`. */
export function dailyRuns(over: Partial<AuditRecord> = {}, days = 91): readonly LogEntry[] {
  return Array.from({ length: days }, (_, i) => entry(since - (days - i) * dayMs + 10 * 3_600_000, over))
}

export function detect(
  entries: readonly LogEntry[],
  over: Partial<AnomalyOptions> = {},
): Omit<AnomalyReport, 'log'> {
  const detector = new AnomalyDetector({
    baseline,
    since,
    now: since + 7 * dayMs,
    timezone: 'UTC',
    matches: () => true,
    ...over,
  })
  for (const one of entries) detector.add(one)
  return detector.result()
}

export function findingsOf<Rule extends AnomalyRule>(
  { findings }: Pick<AnomalyReport, 'findings'>,
  rule: Rule,
): readonly (AnomalyFinding & { readonly rule: Rule })[] {
  return findings.filter((one): one is AnomalyFinding & { readonly rule: Rule } => one.rule === rule)
}

export function stateOf({ rules }: Pick<AnomalyReport, 'rules'>, rule: AnomalyRule): string | undefined {
  return rules.find((one) => one.rule === rule)?.state
}
