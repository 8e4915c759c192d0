import type { Style } from './style.ts'
import { type Cell, textOf } from './table.ts'
import { cutStart, displayWidth, pad } from './width.ts'

/** Several columns under one title, with a list of cells for each row. */
export interface Group {
  readonly title: string
  readonly rows: readonly (readonly Cell[])[]
}

const gap = '  '
const border = '   '

/** Names may be cut to this many columns so that the other columns fit. */
const leastName = 24

/**
 * Formats groups of aligned columns beside the names of rows. Cuts only long names, at their
 * beginning. Undefined if it is wider than `width` columns.
 */
export function renderMatrix(
  title: string,
  names: readonly string[],
  groups: readonly Group[],
  page: { readonly style: Style; readonly width: number },
): string | undefined {
  const { style, width } = page
  const laidOut = groups.map(layOut)
  const space = width - laidOut.reduce((sum, group) => sum + border.length + group.width, 0)
  const whole = widest([title, ...names])
  const first = Math.min(whole, Math.max(space, leastName))
  if (first > space) return undefined
  const heading = [pad(title, first), ...laidOut.map((group) => pad(group.title, group.width))]
  const lines = names.map((name, row) =>
    [pad(cutStart(name, first), first), ...laidOut.map((group) => renderCells(group, row, style))]
      .join(border)
      .trimEnd(),
  )
  return [style.dim(heading.join(border).trimEnd()), ...lines].join('\n')
}

interface LaidOut extends Group {
  readonly widths: readonly number[]
  /** of the columns with the gaps between them */
  readonly inner: number
  readonly width: number
}

function layOut(group: Group): LaidOut {
  const columns = Math.max(0, ...group.rows.map((cells) => cells.length))
  const widths = Array.from({ length: columns }, (_, i) =>
    widest(group.rows.map((cells) => textOf(cells[i] ?? ''))),
  )
  const total = widths.reduce((sum, width) => sum + width, gap.length * Math.max(0, columns - 1))
  return { ...group, widths, inner: total, width: Math.max(total, displayWidth(group.title)) }
}

function renderCells({ rows, widths, inner, width }: LaidOut, row: number, style: Style): string {
  const cells = widths.map((column, i) => {
    const cell = rows[row]?.[i] ?? ''
    const filled = pad(textOf(cell), column)
    return typeof cell === 'string' || cell.text === '' ? filled : style[cell.tone](filled)
  })
  return cells.join(gap) + ' '.repeat(width - inner)
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, displayWidth(text)), 0)
}
