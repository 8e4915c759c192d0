import type { NamedSection } from './html/sections/section.ts'
import { escapeText } from './text/escape.ts'
import { formatBytes } from './text/format.ts'
import type { Page, Style } from './text/style.ts'
import { renderTable } from './text/table.ts'

const tones: Readonly<Record<NamedSection['section']['tone'], keyof Style>> = {
  good: 'green',
  notice: 'yellow',
  bad: 'red',
  none: 'dim',
}

/** Renders the summary lines of the report, and the file that has the rest. */
export function renderReportSummary(
  sections: readonly NamedSection[],
  { file, bytes }: { readonly file: string; readonly bytes: number },
  page: Page,
): string {
  const rows = sections.map(({ name, section: { tone, headline } }) => [
    name,
    { text: escapeText(headline), tone: tones[tone] },
  ])
  const table = renderTable([{ title: '' }, { title: '', flexible: true }], rows, page)
  return `${table}\nReport: ${escapeText(file)} (${formatBytes(bytes)})`
}
