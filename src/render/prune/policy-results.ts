import { breakLines } from '../text/section.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'
import { displayWidth } from '../text/width.ts'

/** The result of a rule, protection or tag in three columns. Texts are escaped. */
export interface RenderedResult {
  readonly word: string
  readonly tone: keyof Style
  readonly name: string
  readonly text: string
}

/** The largest part of the page for a name. A longer name is wrapped. */
const nameShare = 0.4
/** The smallest width of a column. */
const leastWidth = 8

/** Renders one line for each if the page is wide enough. Long text is wrapped, never cut. */
export function renderResults(all: readonly RenderedResult[], page: Page): string {
  const { width } = page
  const widest = (of: (result: RenderedResult) => string): number =>
    all.reduce((most, result) => Math.max(most, displayWidth(of(result))), 0)
  const wordWidth = widest(({ word }) => word)
  const names = widest(({ name }) => name)
  const nameWidth =
    width === undefined ? names : Math.min(names, Math.max(leastWidth, Math.floor(width * nameShare)))
  const textWidth = width === undefined ? undefined : Math.max(leastWidth, width - wordWidth - nameWidth - 4)
  const rows = all.flatMap(({ word, tone, name, text }) => {
    const nameLines = breakLines(name, nameWidth)
    const textLines = breakLines(text, textWidth)
    const count = Math.max(nameLines.length, textLines.length)
    return Array.from({ length: count }, (_, i): readonly Cell[] => [
      i === 0 ? { text: word, tone } : '',
      nameLines[i] ?? '',
      textLines[i] ?? '',
    ])
  })
  return rows.length === 0 ? '' : renderTable([{ title: '' }, { title: '' }, { title: '' }], rows, page)
}
