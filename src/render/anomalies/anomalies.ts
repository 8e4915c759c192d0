import type { AnomalyFinding, AnomalyReport } from '../../audit/anomalies/finding.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount, formatShortTime } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import {
  comparesNothing,
  describeFinding,
  describeRecords,
  groupReasons,
  ruleTitles,
} from './describe-finding.ts'

/** Formats the findings, each with its numbers and the command that shows its records. */
export function renderAnomalies(report: AnomalyReport, { style }: Page): string {
  const findings = report.findings.map((finding) => renderFinding(finding, report.timezone, style))
  return [summaryOf(report, style), ...findings, ...reasonsOf(report, style)].join('\n\n')
}

function summaryOf(report: AnomalyReport, style: Style): string {
  const { findings, rules, baseline, since, until, records, matching, recovered, later, timezone } = report
  const omitted = rules.reduce((sum, one) => sum + one.omitted, 0)
  const total = findings.length + omitted
  const head =
    total === 0
      ? (comparesNothing(report) ? style.yellow : style.green)('No findings')
      : style.yellow(formatCount(total, 'finding'))
  const first = baseline.first === undefined ? '' : ` since ${dayOf(baseline.first)}`
  return [
    `${head} in ${formatCount(matching, 'record')} from ${formatShortTime(since)} to ${formatShortTime(until)} UTC.`,
    `The baseline has ${formatCount(baseline.runs, 'run')}${first}. Hours and days are in ${escapeText(timezone)}.`,
    ...(matching < records
      ? [`${formatCount(records - matching, 'other record')} did not match the filters.`]
      : []),
    ...(omitted > 0
      ? [style.yellow(`${formatCount(omitted, 'finding')} of rules with many are not shown.`)]
      : []),
    ...(recovered > 0
      ? [`dray moved ${formatCount(recovered, 'incomplete or late line')} aside in this period.`]
      : []),
    ...(later > 0 ? [style.yellow(`${formatCount(later, 'record')} of the future are not checked.`)] : []),
  ].join('\n')
}

function renderFinding(finding: AnomalyFinding, timezone: string, style: Style): string {
  const { subject, detail } = describeFinding(finding, timezone)
  const { from, to, records, command } = finding
  const span = from.slice(0, 19) === to.slice(0, 19) ? '' : ` to ${formatShortTime(to)}`
  return [
    `${style.bold(ruleTitles[finding.rule])}: ${escapeText(subject)}`,
    `  ${escapeText(detail)}`,
    `  ${formatShortTime(from)}${span} UTC, ${escapeText(describeRecords(records))}`,
    `  ${style.dim(escapeText(command))}`,
  ].join('\n')
}

function reasonsOf(report: AnomalyReport, style: Style): readonly string[] {
  const groups = groupReasons(report)
  if (groups.length === 0) return []
  const lines = groups.map(({ reason, titles }) => `  ${titles.join(', ')}: ${escapeText(reason)}`)
  return [[style.yellow('Not enough data:'), ...lines].join('\n')]
}

function dayOf(time: string): string {
  return escapeText(time.slice(0, 10))
}
