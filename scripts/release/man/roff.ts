import { wrap } from '../../../src/render/text/width.ts'
import type { Term } from '../../../src/cli/help/command-help.ts'

/**
 * Text for the macros of man(7). A line of the source has at most 78 columns, because
 * `mandoc -T lint` complains about longer ones.
 */
const width = 78

/** Characters that roff reads or shows in another way than a shell does. */
const special: Readonly<Record<string, string>> = {
  '\\': String.raw`\e`,
  '-': String.raw`\-`,
  "'": String.raw`\(aq`,
  '`': String.raw`\(ga`,
  '^': String.raw`\(ha`,
  '~': String.raw`\(ti`,
}

/** A text that can be copied into a shell, such as an option or a path. */
export function literal(text: string): string {
  return beyondAscii(text.replaceAll(/[\\\-'`^~]/g, (char) => special[char] ?? char))
}

function beyondAscii(text: string): string {
  return text.replaceAll(/[^\n -~]/gu, (char) => {
    const point = char.codePointAt(0) ?? 0
    return `\\[u${point.toString(16).toUpperCase().padStart(4, '0')}]`
  })
}

export function bold(text: string): string {
  return `\\fB${literal(text)}\\fR`
}

/**
 * Prose, with bold text for code in backticks. A hyphen between two letters stays a hyphen. A word
 * that begins with one is an option.
 */
export function prose(text: string): string {
  return text
    .split(/(`[^`]+`)/)
    .map((part) => (/^`.+`$/.test(part) ? bold(part.slice(1, -1)) : words(part)))
    .join('')
}

function words(text: string): string {
  return text
    .split(/(\s+)/)
    .map((word) => {
      if (/^\W*-/.test(word)) return literal(word)
      return beyondAscii(word.replaceAll('\\', String.raw`\e`).replaceAll('~', String.raw`\(ti`))
    })
    .join('')
}

/**
 * Lines of filled text. roff would read a line that begins with a dot or an apostrophe as a
 * request.
 */
export function filled(text: string): readonly string[] {
  return wrap(text, width).map(asText)
}

function asText(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line
}

export function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`.SH ${quoted(title)}`, ...lines]
}

export function subsection(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`.SS ${quoted(title)}`, ...lines]
}

/** An argument of a macro. */
export function quoted(text: string): string {
  return `"${beyondAscii(text)
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('"', String.raw`\(dq`)}"`
}

/** Paragraphs and list items, which begin with "- ", of the details of a command. */
export function paragraphs(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.flatMap((line, index) => {
    if (line.startsWith('- ')) return ['.IP \\(bu 2', ...filled(prose(line.slice(2)))]
    return [...(index === 0 ? [] : ['.PP']), ...filled(prose(line))]
  })
}

/** Labels with their texts: options, arguments, variables. */
export function terms(entries: readonly Term[]): readonly string[] {
  return entries.flatMap(({ label, text }) => ['.TP', asText(label), ...filled(prose(text))])
}

/** Lines that are not filled. Long ones continue on the next line of the source. */
export function code(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => asText(literal(line)))
  return ['.RS 4', '.EX', ...lines, '.EE', '.RE']
}
