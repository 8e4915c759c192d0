import { escapeText } from './escape.ts'
import type { Page } from './style.ts'
import { type Cell, renderTable } from './table.ts'
import { cut, displayWidth, wrap } from './width.ts'

const indent = 2
const gap = '  '

/** A heading with indented text below it; empty without text. */
export function renderSection(title: string, text: string, { style }: Page): string {
  return text === '' ? '' : `${style.bold(title)}\n${text.replaceAll(/^/gm, ' '.repeat(indent))}`
}

/** The page for the text of a section. */
export function narrowPage(page: Page): Page {
  return { style: page.style, width: page.width === undefined ? undefined : page.width - indent }
}

/** Renders rows that begin with a label, indented below a heading. Cells are escaped. */
export function renderLabeledRows(rows: readonly Cell[][], page: Page): string {
  const columns = [{ title: '' }, { title: '', flexible: true }]
  return renderTable(columns, rows, narrowPage(page)).replaceAll(/^/gm, ' '.repeat(indent))
}

/** Formats names and values, which are not escaped, one pair on each line. */
export function renderPairs(pairs: readonly (readonly [string, string])[], page: Page): string {
  if (pairs.length === 0) return ''
  const rows = pairs.map(([name, value]): Cell[] => [toDimCell(escapeText(name)), escapeText(value)])
  return renderTable(
    [
      { title: '', flexible: true, keep: 24 },
      { title: '', flexible: true },
    ],
    rows,
    page,
  )
}

/** Formats escaped words in lines as wide as the page; in a pipe, one word on each line. */
export function renderTerms(words: readonly string[], { width }: Page): string {
  if (width === undefined) return words.join('\n')
  const lines: string[] = []
  for (const whole of words) {
    const word = cut(whole, width)
    const line = lines.at(-1)
    const longer = line === undefined ? word : line + gap + word
    if (line === undefined || displayWidth(longer) > width) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines.join('\n')
}

/**
 * Breaks escaped text into lines of at most `width` columns. Escapes again, because a line may now
 * begin with a command of a CI service.
 */
export function breakLines(text: string, width: number | undefined): readonly string[] {
  return width === undefined ? [text] : wrap(text, width).map(escapeText)
}

export function toDimCell(text: string): Cell {
  return { text, tone: 'dim' }
}
