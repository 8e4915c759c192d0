/** Replaces the text from `start` to `end`. */
export interface Splice {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * Applies splices, which do not overlap. Those at one offset are applied in their order, and a
 * replacement before an insertion at its end.
 */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const ordered = [...splices].sort((a, b) => a.start - b.start || a.end - b.end)
  let result = ''
  let end = 0
  for (const splice of ordered) {
    if (splice.start < end) throw new RangeError('splices overlap')
    result += text.slice(end, splice.start) + splice.text
    end = splice.end
  }
  return result + text.slice(end)
}
