import type { Page, Style } from './style.ts'
import { cut, displayWidth, pad } from './width.ts'

export interface Column {
  /** shown in the heading; a table without titles has no heading */
  readonly title: string
  readonly align?: 'left' | 'right'
  /** may be cut if the table is wider than the page */
  readonly flexible?: boolean
  /** of a flexible column: the width to cut to before others are cut to the minimum */
  readonly keep?: number
  /** the minimal width before anything is cut */
  readonly least?: number
}

/** Escaped text and its style. */
export type Cell =
  | string
  | {
      readonly text: string
      readonly tone: keyof Style
      /** never cut, also if it is wider than the page: a command that a person copies */
      readonly isWhole?: boolean
    }

const gap = '  '
/** The minimal widths of a flexible column, the second on a narrow terminal. */
const leastWidths = [8, 4] as const

/** Formats aligned columns by display width. Cuts flexible columns to the width of the page. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  page: Page,
): string {
  const widths = fit(columns, naturalWidths(columns, rows), page.width)
  const heading = columns.some(({ title }) => title !== '')
    ? [columns.map(({ title }): Cell => ({ text: title, tone: 'dim' }))]
    : []
  return [...heading, ...rows].map((row) => renderRow(row, columns, widths, page.style)).join('\n')
}

function renderRow(
  row: readonly Cell[],
  columns: readonly Column[],
  widths: readonly number[],
  style: Style,
): string {
  const cells = columns.map(({ align }, i) => {
    const cell = row[i] ?? ''
    const width = widths[i] ?? 0
    const text = isWhole(cell) ? textOf(cell) : cut(textOf(cell), width)
    const isLast = i === columns.length - 1
    const filled = isLast && align !== 'right' ? text : pad(text, width, align)
    return typeof cell === 'string' ? filled : style[cell.tone](filled)
  })
  return cells.join(gap).trimEnd()
}

function naturalWidths(columns: readonly Column[], rows: readonly (readonly Cell[])[]): readonly number[] {
  return columns.map(({ title, least = 0 }, i) =>
    rows.reduce(
      (width, row) => Math.max(width, isWhole(row[i]) ? 0 : displayWidth(textOf(row[i] ?? ''))),
      Math.max(least, displayWidth(title)),
    ),
  )
}

/** Narrows the widest flexible column step by step until all fit: first to `keep`, then further. */
function fit(
  columns: readonly Column[],
  natural: readonly number[],
  page: number | undefined,
): readonly number[] {
  if (page === undefined) return natural
  const [least] = leastWidths
  const kept = narrow(columns, natural, page, ({ keep = least }) => keep)
  return leastWidths.reduce((widths, width) => narrow(columns, widths, page, () => width), kept)
}

function narrow(
  columns: readonly Column[],
  from: readonly number[],
  page: number,
  leastOf: (column: Column) => number,
): readonly number[] {
  const widths = [...from]
  let over = widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) - page
  while (over > 0) {
    const candidates = columns
      .map((column, i) => ({ width: widths[i] ?? 0, least: leastOf(column), i, column }))
      .filter(({ width, least, column }) => column.flexible === true && width > least)
      .sort((a, b) => b.width - a.width)
    const [widest, next] = candidates
    if (widest === undefined) break
    const take = Math.min(over, Math.max(1, widest.width - Math.max(next?.width ?? 0, widest.least)))
    widths[widest.i] = widest.width - take
    over -= take
  }
  return widths
}

function isWhole(cell: Cell | undefined): boolean {
  return typeof cell === 'object' && cell.isWhole === true
}

export function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text
}
