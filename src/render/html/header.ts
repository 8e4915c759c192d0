import type { Report, ReportSectionName } from '../../usecases/report/report.ts'
import { markup, type Markup } from './markup.ts'
import { toneIcon } from './parts/icons.ts'
import { code } from './parts/texts.ts'
import type { NamedSection } from './sections/section.ts'

export const reportTitles: Readonly<Record<ReportSectionName, string>> = {
  status: 'Status',
  timeline: 'Timeline',
  anomalies: 'Unusual changes',
  retention: 'Retention',
  usage: 'Usage',
}

/** Renders the title, a line for each section, and where the values are from. */
export function renderReportHeader(report: Report, sections: readonly NamedSection[]): Markup {
  const { time, tool, command, configuration, auditLog } = report
  const { head } = auditLog
  const cards = sections.map(
    ({ name, section: { tone, headline, detail } }) =>
      markup`<li>
        <a href="#${name}"
          ><span class="name">${reportTitles[name]}</span
          ><span class="head">${toneIcon(tone)}<span>${withoutBreaks(headline)}</span></span
          ><span class="small muted">${detail}</span></a
        >
      </li> `,
  )
  return markup`<header>
    <h1>Image report</h1>
    <p class="when"><time datetime="${time}">${time.slice(0, 10)} ${time.slice(11, 16)} UTC</time></p>
    <nav aria-label="Sections">
      <ul class="cards">
        ${cards}
      </ul>
    </nav>
    <dl class="facts small">
      <dt>Created</dt>
      <dd>${time} by dray ${tool}</dd>
      <dt>Command</dt>
      <dd>${code(command)}</dd>
      <dt>Configuration</dt>
      <dd>
        ${configuration === undefined ? 'no dray.yaml' : markup`${configuration.file}, ${code(configuration.hash)}`}
      </dd>
      <dt>Audit log</dt>
      <dd>
        ${
          head === undefined
            ? markup`${auditLog.path}, no head`
            : markup`${auditLog.path}, ${head.seq} records, head
              ${head.hash === null ? 'empty' : code(head.hash)}`
        }
      </dd>
    </dl>
  </header>`
}

/** Keeps each number on one line with its unit or noun. */
function withoutBreaks(text: string): string {
  return text.replaceAll(/(\d) (?=\S)/g, '$1\u00a0')
}
