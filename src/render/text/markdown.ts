import { escapeText } from './escape.ts'

/** A row of a table in Markdown. */
export function formatRow(cells: readonly string[]): string {
  return `| ${cells.map(inMarkdown).join(' | ')} |\n`
}

/** Text on one line, in which Markdown and HTML have no effect. */
export function inMarkdown(text: string): string {
  return escapeText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_[\]|~]/g, (c) => `\\${c}`)
}
