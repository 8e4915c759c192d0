/** A literal block scalar in the text that contains it. */
export interface LiteralBlock {
  /** the spaces before each line */
  readonly indent: string
  /** Returns the offset in the text around it of an offset in the value. */
  offsetOf(offset: number): number
}

/**
 * Finds the lines of a value in the source of its literal block scalar. The indentation follows
 * from the comparison of the two, not from the first line: with `|2`, that line may have spaces of
 * its own. Undefined if a line of the source is not the line of the value.
 * @param start of the source, in the text that contains it
 */
export function alignBlock(source: string, start: number, value: string): LiteralBlock | undefined {
  const lines = linesOf(source)
  const values = linesOf(value)
  const first = values.findIndex(({ text }) => text !== '')
  const indent = first === -1 ? 0 : (lines[first]?.text.length ?? 0) - (values[first]?.text.length ?? 0)
  if (indent < 0) return undefined
  const aligned = values.every(({ text }, i) => {
    const line = lines[i]?.text
    // The value may end with a line break that the source lacks, at the end of a file.
    if (line === undefined) return text === '' && i === values.length - 1
    if (text === '') return line.trim() === '' && line.length <= indent
    return (
      line.slice(indent) === text &&
      line.slice(0, indent).trim() === '' &&
      !line.slice(0, indent).includes('\t')
    )
  })
  const isRestEmpty = lines.slice(values.length).every(({ text }) => text.trim() === '')
  if (!aligned || !isRestEmpty) return undefined
  return {
    indent: ' '.repeat(indent),
    offsetOf(offset) {
      const i = lineAt(values, offset)
      const line = lines[i]
      if (line === undefined) return start + source.length
      const column = offset - (values[i]?.start ?? 0)
      return start + line.start + Math.min(indent + column, line.text.length)
    },
  }
}

interface SourceLine {
  readonly start: number
  /** without its line break */
  readonly text: string
}

function linesOf(text: string): readonly SourceLine[] {
  const lines: SourceLine[] = []
  let start = 0
  for (const { 0: lineBreak, index } of text.matchAll(/\r?\n/g)) {
    lines.push({ start, text: text.slice(start, index) })
    start = index + lineBreak.length
  }
  lines.push({ start, text: text.slice(start) })
  return lines
}

/** Returns the index of the line that contains an offset. */
function lineAt(lines: readonly SourceLine[], offset: number): number {
  let low = 0
  let high = lines.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((lines[middle]?.start ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return low
}
