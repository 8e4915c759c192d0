import { DrayError } from '../../../lib/errors.ts'

/** A position in a file. */
export interface LineColumn {
  /** from 1 */
  readonly line: number
  /** from 1, in UTF-16 units */
  readonly column: number
}

/** Returns the position of an offset in a text, which may begin with a byte order mark. */
export function positionIn(text: string, offset: number): LineColumn {
  let line = 1
  let start = text.startsWith('\u{feff}') ? 1 : 0
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1
    start = at + 1
  }
  return { line, column: Math.max(1, offset - start + 1) }
}

/** Returns the error for a file that dray does not edit. */
export function refuseFile(name: string, why: string, hint: string, position?: LineColumn): DrayError {
  const at = position === undefined ? '' : `:${position.line}:${position.column}`
  return new DrayError('refused', `cannot edit ${name}${at}`, { subject: name, why, hint })
}
