import type { ReportSection, ReportSectionName, Report } from '../../usecases/report/report.ts'
import { reportTitles, renderReportHeader } from './header.ts'
import { markup, type Markup } from './markup.ts'
import { renderSprites } from './parts/icons.ts'
import { code, renderErrorNote, renderNote } from './parts/texts.ts'
import { renderAnomaliesSection } from '../anomalies/anomalies-section.ts'
import { renderRetentionSection } from './sections/retention-section.ts'
import {
  type NamedSection,
  noLimits,
  type RenderedSection,
  type RowLimits,
  usualLimits,
} from './sections/section.ts'
import { renderStatusSection } from './sections/status-section.ts'
import { renderTimelineSection } from './sections/timeline-section.ts'
import { renderUsageSection } from './sections/usage-section.ts'
import { renderStyle } from './style.ts'

export interface RenderedReport {
  readonly page: string
  /** the line of each section in the summary */
  readonly sections: readonly NamedSection[]
}

/**
 * Renders the report as one HTML page that needs no script, font, image or network. The same report
 * gives the same bytes. Pure.
 * @param all shows every row and bar
 */
export function renderReportPage(report: Report, all: boolean): RenderedReport {
  const sections = renderSections(report, all ? noLimits : usualLimits)
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>Image report of ${report.time.slice(0, 10)}</title>
        ${renderStyle()}
      </head>
      <body>
        ${renderSprites()} ${renderReportHeader(report, sections)}
        <main>
          ${sections.map(
            ({ name, section }) =>
              markup`<section id="${name}" aria-labelledby="${name}-h">
                <h2 id="${name}-h">${reportTitles[name]}</h2>
                ${section.body}
              </section> `,
          )}
        </main>
        <footer class="small">
          <p>
            Sizes are in units of 1024 bytes. Times are UTC. The exact numbers are in the JSON document of the
            same command: add ${code('--json')}.
          </p>
          <p>This page names people, images and repositories. Publish it accordingly.</p>
        </footer>
      </body>
    </html> `
  return { page: page.toString(), sections }
}

function renderSections({ sections, time }: Report, limits: RowLimits): readonly NamedSection[] {
  const { status, timeline, anomalies, retention, usage } = sections
  const now = Date.parse(time)
  const rendered: readonly (readonly [ReportSectionName, RenderedSection | undefined])[] = [
    ['status', status && renderOne(status, (view) => renderStatusSection(view, now, limits))],
    ['timeline', timeline && renderOne(timeline, (view) => renderTimelineSection(view, limits))],
    ['anomalies', anomalies && renderOne(anomalies, (view) => renderAnomaliesSection(view, limits))],
    ['retention', retention && renderOne(retention, (view) => renderRetentionSection(view, limits))],
    ['usage', usage && renderOne(usage, (view) => renderUsageSection(view, limits))],
  ]
  return rendered.flatMap(([name, section]) => (section === undefined ? [] : [{ name, section }]))
}

function renderOne<T>(section: ReportSection<T>, render: (value: T) => RenderedSection): RenderedSection {
  switch (section.state) {
    case 'read':
      return render(section.value)
    case 'failed':
      return {
        tone: 'bad',
        headline: 'Not read',
        detail: section.error.message,
        body: renderErrorNote(section.error),
      }
    case 'notConfigured':
      return {
        tone: 'none',
        headline: 'Not configured',
        detail: section.why,
        body: notConfigured(section.why, section.fix),
      }
  }
}

function notConfigured(why: string, fix: string): Markup {
  return renderNote(
    'none',
    'Not configured',
    markup`<p><b>Why:</b> ${why}</p>
      <p><b>Fix:</b> ${fix}</p>`,
  )
}
