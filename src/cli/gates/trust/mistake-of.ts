import { relative } from 'node:path'
import type { Path } from '../../../config/key-path.ts'
import type { Issue } from '../../../config/shape.ts'
import type { DrayError } from '../../../lib/errors.ts'

/**
 * The mistake in a file that an error is about, in one line.
 * @param folder of dray.yaml, absolute, for the name of the file that the error is about
 */
export function mistakeOf({ subject, message, why, hint }: DrayError, path: Path, folder?: string): Issue {
  const file = subject === undefined || folder === undefined ? [] : [relative(folder, subject)]
  return {
    path,
    at: 'value',
    message: [...file, message, ...(why === undefined ? [] : [why])].join(': '),
    ...(hint !== undefined && { hint: asClause(hint) }),
  }
}

/** A hint is a sentence, but follows a semicolon here. */
function asClause(sentence: string): string {
  const text = sentence.replace(/\.$/, '')
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text
}
