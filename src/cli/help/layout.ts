import { pad, wrap } from '../../render/text/width.ts'
import type { Style } from '../../render/text/style.ts'
import type { Term } from './command-help.ts'

/** The style and width of help, in columns. */
export interface HelpPage {
  readonly style: Style
  readonly width: number
}

/** Help is as wide as this on wider terminals too, because long lines are hard to read. */
export const maxWidth = 80
const minWidth = 40
const indent = '  '
const gap = '  '
const noBreak = '\u00a0'
/** The width of labels, above which the text of a label begins on the next line. */
const maxLabel = 32

/** The page for an output; `columns` is undefined in a pipe or file. */
export function helpPage(style: Style, columns: number | undefined): HelpPage {
  return { style, width: Math.max(minWidth, Math.min(maxWidth, columns ?? maxWidth)) }
}

/** Joins blocks of lines with an empty line between them. */
export function joinBlocks(blocks: readonly string[]): string {
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

/** A heading and indented lines; empty without lines. */
export function section(title: string, lines: readonly string[], { style }: HelpPage): string {
  return lines.length === 0
    ? ''
    : [style.bold(`${title}:`), ...lines.map((line) => (line === '' ? '' : indent + line))].join('\n')
}

/** The column of labels that fits all terms of a page. */
export function labelWidth(terms: readonly Term[]): number {
  return Math.min(maxLabel, Math.max(0, ...terms.map(({ label }) => label.length)))
}

/** Lines with the labels in one column and their texts in another. */
export function termLines(terms: readonly Term[], width: number, page: HelpPage): readonly string[] {
  const hanging = ' '.repeat(width) + gap
  return terms.flatMap(({ label, text }) => {
    const lines = wrapWhole(text, page.width - indent.length - hanging.length)
    if (label.length > width) return [label, ...lines.map((line) => hanging + line)]
    return lines.map((line, i) => (i === 0 ? pad(label, width) + gap : hanging) + line)
  })
}

/** Wraps a text, but does not break a short fact in parentheses, such as "(default: 50)". */
function wrapWhole(text: string, width: number): readonly string[] {
  const joined = text.replaceAll(/\([^()]{1,30}\)/g, (fact) => fact.replaceAll(' ', noBreak))
  return wrap(joined, width).map((line) => line.replaceAll(noBreak, ' '))
}

/** Lines of commands, which continue with a deeper indent. */
export function usageLines(usage: readonly string[], page: HelpPage): readonly string[] {
  return usage.flatMap((line) =>
    wrap(line, page.width - 3 * indent.length).map((part, i) => (i === 0 ? '' : indent + indent) + part),
  )
}

/** The lines of paragraphs and of list items, which begin with "- ". */
export function textLines(text: string, page: HelpPage): readonly string[] {
  const width = page.width - indent.length
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('- ')) return wrap(line, width)
    return wrap(line.slice(2), width - 2).map((part, i) => (i === 0 ? '- ' : '  ') + part)
  })
}
