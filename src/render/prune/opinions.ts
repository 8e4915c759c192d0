import { broken } from '../text/section.ts'
import type { Page, Style } from '../text/style.ts'
import { type Cell, renderTable } from '../text/table.ts'
import { displayWidth } from '../text/width.ts'

/** What somebody or something says: a word, whose it is, and the words. Texts are escaped. */
export interface Said {
  readonly word: string
  readonly tone: keyof Style
  readonly name: string
  readonly text: string
}

/** A name is broken into several lines where it takes more than this part of the page. */
const nameShare = 0.4
/** No column is narrower. */
const leastWidth = 8

/** A line for each where the page has room; nothing is cut off: what is too long for its column is broken into several lines. */
export function renderSaid(all: readonly Said[], page: Page): string {
  const { width } = page
  const widest = (of: (said: Said) => string): number =>
    all.reduce((most, said) => Math.max(most, displayWidth(of(said))), 0)
  const words = widest(({ word }) => word)
  const names = widest(({ name }) => name)
  const nameWidth =
    width === undefined ? names : Math.min(names, Math.max(leastWidth, Math.floor(width * nameShare)))
  const textWidth = width === undefined ? undefined : Math.max(leastWidth, width - words - nameWidth - 4)
  const rows = all.flatMap(({ word, tone, name, text }) => {
    const nameLines = broken(name, nameWidth)
    const textLines = broken(text, textWidth)
    const count = Math.max(nameLines.length, textLines.length)
    return Array.from({ length: count }, (_, i): readonly Cell[] => [
      i === 0 ? { text: word, tone } : '',
      nameLines[i] ?? '',
      textLines[i] ?? '',
    ])
  })
  return rows.length === 0 ? '' : renderTable([{ title: '' }, { title: '' }, { title: '' }], rows, page)
}
