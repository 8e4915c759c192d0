import type { Page, Style } from './style.ts'
import { displayWidth } from './width.ts'

/** An escaped part of a summary, and its colour. */
export interface CountText {
  readonly text: string
  readonly tone?: keyof Style
}

const indent = '  '

/** Joins a heading and parts by commas. A terminal has a line break between parts if needed. */
export function joinCounts(heading: string, parts: readonly CountText[], page: Page): string {
  const { style, width: maxWidth = Infinity } = page
  let line = heading
  let width = displayWidth(heading)
  for (const [i, { text, tone }] of parts.entries()) {
    const shown = (tone === undefined ? text : style[tone](text)) + (i < parts.length - 1 ? ',' : '')
    const added = displayWidth(text) + 1
    if (width + 1 + added > maxWidth && i > 0) {
      line += `\n${indent}${shown}`
      width = indent.length + added
    } else {
      line += ` ${shown}`
      width += 1 + added
    }
  }
  return line
}
