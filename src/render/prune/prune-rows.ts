import type { Verdict } from '../../plan/prune/prune-plan.ts'
import { breakLines, toDimCell } from '../text/section.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, type Column, renderTable } from '../text/table.ts'
import { displayWidth, pad } from '../text/width.ts'

/** A tag or manifest with its verdict. Texts are escaped. */
export interface PruneRow {
  readonly kind: 'row'
  readonly verdict: Verdict
  readonly name: string
  readonly age: string
  readonly size: string
  readonly why: string
}

/** A line about several tags or manifests. Text is escaped. */
export interface PruneNote {
  readonly kind: 'note'
  /** absent: it belongs to the row above */
  readonly verdict?: Verdict
  readonly text: string
}

const tones: Readonly<Record<Verdict, keyof Style>> = { delete: 'red', untag: 'yellow', keep: 'dim' }
const gap = 2
const verdictWidth = 'VERDICT'.length
/** The column of the names. Notes and reasons below a row begin there. */
const nameAt = verdictWidth + gap
/** The smallest width of a column for reasons. On a narrower page, a reason goes below its row. */
const minReasonWidth = 28

/** Renders one line for each verdict if the page is wide enough. Long text is never cut. */
export function renderVerdicts(items: readonly (PruneRow | PruneNote)[], page: Page): string {
  const rows = items.filter((item) => item.kind === 'row')
  const layout = layoutFor(rows, page)
  const spread = rows.map((row) => linesOf(row, layout))
  const table = rows.length === 0 ? [] : renderTable(layout.columns, spread.flat(), page).split('\n')
  const heading = table.slice(0, table.length - spread.flat().length)
  let next = heading.length
  let which = 0
  const body = items.flatMap((item): readonly string[] => {
    if (item.kind === 'note') return noteLines(item, page)
    const lines = table.slice(next, (next += spread[which++]?.length ?? 0))
    return layout.isBelow ? [...lines, ...below(item, page)] : lines
  })
  return [...heading, ...body].join('\n')
}

interface RowLayout {
  readonly columns: readonly Column[]
  readonly nameWidth: number
  readonly whyWidth: number
  /** reasons stand below their rows */
  readonly isBelow: boolean
}

function layoutFor(rows: readonly PruneRow[], { width }: Page): RowLayout {
  const widest = (of: (row: PruneRow) => string, title: string): number =>
    rows.reduce((most, row) => Math.max(most, displayWidth(of(row))), title.length)
  const names = widest(({ name }) => name, 'TAG')
  const fixed =
    nameAt + widest(({ age }) => age, 'AGE') + gap + widest(({ size }) => size, 'SIZE') + gap + gap
  const reasonsWidth = widest(({ why }) => why, 'WHY')
  const isWhole = width === undefined || fixed + names + reasonsWidth <= width
  const nameWidth = isWhole ? names : Math.min(names, Math.max(16, Math.floor((width - fixed) / 2)))
  const reasonWidth = isWhole ? reasonsWidth : Math.max(1, width - fixed - nameWidth)
  const isBelow = !isWhole && reasonWidth < Math.min(reasonsWidth, minReasonWidth)
  const columns: readonly Column[] = [
    { title: 'VERDICT' },
    { title: 'TAG' },
    { title: 'AGE', align: 'right' },
    { title: 'SIZE', align: 'right' },
    ...(isBelow ? [] : [{ title: 'WHY' }]),
  ]
  if (!isBelow) return { columns, nameWidth, whyWidth: reasonWidth, isBelow }
  const textWidth = Math.max(8, width - fixed + gap)
  return { columns, nameWidth: Math.min(names, textWidth), whyWidth: reasonWidth, isBelow }
}

function linesOf(row: PruneRow, { nameWidth, whyWidth, isBelow }: RowLayout): readonly (readonly Cell[])[] {
  const names = breakLines(row.name, nameWidth)
  const reasonLines = isBelow ? [] : breakLines(row.why, whyWidth)
  const tone = tones[row.verdict]
  return Array.from({ length: Math.max(names.length, reasonLines.length) }, (_, i): readonly Cell[] => [
    i === 0 ? { text: row.verdict, tone } : '',
    names[i] ?? '',
    i === 0 ? row.age : '',
    i === 0 ? row.size : '',
    ...(isBelow ? [] : [whyCell(reasonLines[i] ?? '', row.verdict)]),
  ])
}

function whyCell(text: string, verdict: Verdict): Cell {
  return verdict === 'keep' ? toDimCell(text) : text
}

function below({ why, verdict }: PruneRow, page: Page): readonly string[] {
  const lines = indented(why, nameAt + 2, page)
  return verdict === 'keep' ? lines.map((line) => page.style.dim(line)) : lines
}

function noteLines({ verdict, text }: PruneNote, page: Page): readonly string[] {
  const { style } = page
  if (verdict === undefined) return indented(text, nameAt + 2, page).map((line) => style.dim(line))
  return indented(text, nameAt, page).map((line, i) =>
    i === 0 ? style[tones[verdict]](pad(verdict, nameAt)) + style.dim(line.slice(nameAt)) : style.dim(line),
  )
}

function indented(text: string, indent: number, { width }: Page): readonly string[] {
  return breakLines(text, width === undefined ? undefined : Math.max(1, width - indent)).map(
    (line) => ' '.repeat(indent) + line,
  )
}
