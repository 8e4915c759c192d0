import type { HistoryEnd, HistoryRow, HistoryTag, HistoryView } from '../look/history.ts'
import { formatRepository } from '../oci/reference.ts'
import { escapeText } from './escape.ts'
import { formatCount, shortDigest } from './format.ts'
import type { Page, Style } from './style.ts'
import { type Cell, type Column, renderTable } from './table.ts'

const columns: readonly Column[] = [
  { title: 'TIME (UTC)' },
  { title: 'STATUS' },
  { title: 'WAY', flexible: true },
  { title: 'TAGS', flexible: true },
  { title: 'DIGEST' },
  { title: 'ACTOR', flexible: true },
  { title: 'REASON', flexible: true },
]
/** Addresses of jobs have no room in a terminal: they are for a pipe and JSON. */
const columnsOfPipe: readonly Column[] = [...columns, { title: 'RUN' }]

/** The way of images through the environments, a promotion on a line; below it why one is not to be believed. */
export function renderHistory(view: HistoryView, page: Page): string {
  if (view.rows.length === 0) return 'No attestation tells of this image.'
  const table =
    page.width === undefined
      ? renderTable(
          columnsOfPipe,
          view.rows.map((row) => [...cellsOf(row, row.time ?? '-', row.image), escapeText(row.run ?? '-')]),
          page,
        )
      : renderTable(
          columns,
          view.rows.map((row) => cellsOf(row, shortTime(row.time), shortDigest(row.image))),
          page,
        )
  return [table, ...notes(view, page.style)].join('\n')
}

function cellsOf(row: HistoryRow, time: string, image: string): readonly Cell[] {
  const { status, from, to, tags, actor, ticket, reason } = row
  return [
    time,
    { text: status, tone: tones[status] },
    from === undefined ? `-> ${endText(to)}` : `${endText(from)} -> ${endText(to)}`,
    tags.map(tagText).join(', ') || '-',
    image,
    escapeText(actor ?? '-'),
    escapeText([ticket, reason].filter((text) => text !== undefined).join(': ') || '-'),
  ]
}

const tones: Readonly<Record<HistoryRow['status'], keyof Style>> = {
  verified: 'green',
  unsigned: 'yellow',
  unchecked: 'yellow',
  foreign: 'red',
  bad: 'red',
  unreadable: 'red',
  missing: 'red',
}

/** `2026-03-04 05:07` */
function shortTime(time: string | undefined): string {
  return time === undefined ? '-' : `${time.slice(0, 10)} ${time.slice(11, 16)}`
}

function endText({ environment, repository }: HistoryEnd): string {
  return escapeText(environment ?? formatRepository(repository))
}

/** A tag that still stands on the image is told by its name alone. */
function tagText({ tag, now }: HistoryTag): string {
  return escapeText(now === 'same' || now === 'unknown' ? tag : `${tag} (${now})`)
}

function notes({ rows }: HistoryView, style: Style): readonly string[] {
  const reasons = rows.flatMap(({ status, why, image, attestation }) =>
    why === undefined ? [] : [`${status}: ${shortDigest(attestation ?? image)} ${escapeText(why)}`],
  )
  const count = (status: HistoryRow['status']): number => rows.filter((row) => row.status === status).length
  return [
    ...reasons.map((text) => style.red(text)),
    ...(count('unchecked') > 0
      ? [
          style.dim(
            `${formatCount(count('unchecked'), 'attestation')} signed and not checked: --key checks them.`,
          ),
        ]
      : []),
    ...(count('missing') > 0
      ? [style.dim('missing: it is there, and no attestation says that it was promoted there.')]
      : []),
  ]
}
