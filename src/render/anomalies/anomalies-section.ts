import type { AnomalyFinding, AnomalyReport } from '../../audit/anomalies/finding.ts'
import {
  comparesNothing,
  describeFinding,
  describeRecords,
  groupReasons,
  ruleTitles,
} from './describe-finding.ts'
import { formatCount } from '../text/format.ts'
import { type Content, markup } from '../html/markup.ts'
import { renderDataTable } from '../html/parts/data-table.ts'
import { code, minuteOf, renderNote, renderSource } from '../html/parts/texts.ts'
import type { RenderedSection, RowLimits } from '../html/sections/section.ts'

/** Renders unusual changes, each with its numbers and the command that shows its records. */
export function renderAnomaliesSection(report: AnomalyReport, { rows }: RowLimits): RenderedSection {
  const { baseline, since, records, timezone } = report
  const day = since.slice(0, 10)
  const count = countOf(report)
  const isUnknown = count === 0 && comparesNothing(report)
  return {
    tone: count > 0 ? 'notice' : isUnknown ? 'none' : 'good',
    headline: count > 0 ? formatCount(count, 'finding') : isUnknown ? 'Not enough data' : 'No findings',
    detail: `Since ${day}, ${formatCount(records, 'record')}, compared with ${formatCount(baseline.runs, 'run')}`,
    body: markup`<p class="lead">
        Changes since ${day} that are unusual, compared with the records since ${baseline.since.slice(0, 10)}.
        Hours and days are in ${timezone}.
      </p>
      <p>
        A finding is no proof of an attack or a mistake. Downgrades, rollbacks, overrides and refusals in a row are
        always listed.
      </p>
      ${renderFindings(report, rows)}${renderReasons(report)}
      ${renderSource(`dray audit anomalies --since ${day}`)}`,
  }
}

function countOf({ findings, rules }: AnomalyReport): number {
  return rules.reduce((sum, one) => sum + one.omitted, findings.length)
}

function renderFindings(report: AnomalyReport, most: number): Content {
  const { findings, timezone } = report
  if (findings.length === 0) return ''
  const shown = findings.slice(0, most)
  const hidden = countOf(report) - shown.length
  return renderDataTable({
    caption: 'Findings by rule',
    columns: [{ title: 'Rule' }, { title: 'Finding' }, { title: 'Time (UTC)' }, { title: 'Records' }],
    rows: shown.map((finding) => rowOf(finding, timezone)),
    ...(hidden > 0 && { others: [`${hidden} more findings`, '', '', ''] }),
  })
}

function rowOf(finding: AnomalyFinding, timezone: string): readonly Content[] {
  const { subject, detail } = describeFinding(finding, timezone)
  return [
    ruleTitles[finding.rule],
    markup`<div class="wrap wide"><b>${subject}</b><small>${detail}</small></div>`,
    minuteOf(finding.from),
    markup`<div class="wrap">
      ${describeRecords(finding.records)}
      <details>
        <summary class="small">command</summary>
        ${code(finding.command)}
      </details>
    </div>`,
  ]
}

function renderReasons(report: AnomalyReport): Content {
  const groups = groupReasons(report)
  if (groups.length === 0) return ''
  return renderNote(
    'none',
    'Not enough data',
    markup`<ul>
      ${groups.map(({ reason, titles }) => markup`<li>${titles.join(', ')}: ${reason}</li>`)}
    </ul>`,
  )
}
