import type { HistoryEnd, HistoryRow, HistoryTag, HistoryView } from '../../usecases/views/history/history.ts'
import { formatRepository } from '../../oci/reference.ts'
import { escapeText } from '../text/escape.ts'
import { formatCount, shortenDigest } from '../text/format.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'

/** A narrower terminal does not show the reason; a pipe and JSON do. */
const reasonMinWidth = 100

/** Renders a line for each promotion, and below them why attestations are not valid. */
export function renderHistory(view: HistoryView, page: Page): string {
  const { rows, tagsNotRead } = view
  const unread =
    tagsNotRead === 0
      ? []
      : [page.style.dim(`${formatCount(tagsNotRead, 'tag')} not read. Pass --all to read all tags.`)]
  if (rows.length === 0) return ['No attestation of a promotion was found.', ...unread].join('\n')
  const columns = columnsFor(view, page)
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)))
  return [renderTable(columns, cells, page), ...notes(view, page.style), ...unread].join('\n')
}

interface HistoryColumn extends Column {
  readonly cell: (row: HistoryRow) => Cell
}

function columnsFor({ rows }: HistoryView, { width }: Page): readonly HistoryColumn[] {
  const isPipe = width === undefined
  // Both ends must be visible. Names of environments are short, and those of repositories are not.
  const hasLongNames = rows.some(({ from, to }) =>
    [from ?? to, to].some((end) => end.environment === undefined),
  )
  return [
    { title: 'TIME (UTC)', cell: ({ time }) => (isPipe ? (time ?? '-') : shortTime(time)) },
    { title: 'STATUS', cell: ({ status }) => ({ text: status, tone: tones[status] }) },
    { title: 'FROM -> TO', flexible: hasLongNames, cell: formatEnds },
    { title: 'TAGS', flexible: true, cell: ({ tags }) => tags.map(tagText).join(', ') || '-' },
    { title: 'DIGEST', cell: ({ image }) => (isPipe ? image : shortenDigest(image)) },
    { title: 'ACTOR', flexible: true, cell: ({ actor }) => escapeText(actor ?? '-') },
    ...(isPipe || width >= reasonMinWidth ? [reasonColumn] : []),
    // URLs of jobs are too long for a terminal.
    ...(isPipe ? [{ title: 'RUN', cell: ({ run }: HistoryRow) => escapeText(run ?? '-') }] : []),
  ]
}

const reasonColumn: HistoryColumn = {
  title: 'REASON',
  flexible: true,
  cell: ({ ticket, reason }) =>
    escapeText([ticket, reason].filter((text) => text !== undefined).join(': ') || '-'),
}

function formatEnds({ from, to }: HistoryRow): string {
  return from === undefined ? `-> ${endText(to)}` : `${endText(from)} -> ${endText(to)}`
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

/** Adds the state of a tag that is no longer on the image, or that was not read. */
function tagText({ tag, now }: HistoryTag): string {
  if (now === 'same') return escapeText(tag)
  return escapeText(`${tag} (${now === 'gone' ? 'deleted' : now})`)
}

function notes({ rows }: HistoryView, style: Style): readonly string[] {
  const reasons = rows.flatMap(({ status, why, image, attestation }) =>
    why === undefined ? [] : [`${status}: ${shortenDigest(attestation ?? image)} ${escapeText(why)}`],
  )
  const count = (status: HistoryRow['status']): number => rows.filter((row) => row.status === status).length
  return [
    ...reasons.map((text) => style.red(text)),
    ...(count('unchecked') > 0
      ? [
          style.dim(
            `${formatCount(count('unchecked'), 'signed attestation')} not verified. Pass --key to verify.`,
          ),
        ]
      : []),
    ...(count('missing') > 0
      ? [
          style.dim('missing: the environment has the image, but no attestation of its promotion.'),
          style.dim('To write attestations, set "attest: true" for the environment in dray.yaml.'),
        ]
      : []),
  ]
}
