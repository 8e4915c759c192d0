import { DrayError, type FileMistake } from '../lib/errors.ts'
import { formatKeyPath } from './key-path.ts'
import type { ConfigSource } from './source.ts'
import type { Issue } from './shape.ts'

/** The mistakes that an error lists. */
const maxListed = 100
/** Their size in characters of JSON. */
const maxSize = 32 * 1024
/** The warnings of one kind that a run prints. */
const maxWarnings = 10

/** Adds the positions to mistakes. Returns them in the order of the file, each one once. */
export function locate(source: ConfigSource, issues: readonly Issue[]): readonly FileMistake[] {
  const found = issues.map(({ path, at, message, hint }): FileMistake => ({
    path: formatKeyPath(path),
    ...source.position(path, at),
    message,
    ...(hint !== undefined && { hint }),
  }))
  return inOrder(found)
}

/** Sorts mistakes by position and removes repeated ones. */
export function inOrder(mistakes: readonly FileMistake[]): readonly FileMistake[] {
  const once = new Map(mistakes.map((one) => [JSON.stringify(one), one]))
  return [...once.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}

/** Formats a mistake on one line, in the form of compilers: `dray.yaml:7:5: images.Web: …`. */
function formatMistake(name: string, { path, line, column, message, hint }: FileMistake): string {
  const text = hint === undefined ? message : `${message}; ${hint}`
  return `${name}:${line}:${column}: ${path === '' ? '' : `${path}: `}${text}`
}

/**
 * The error for the mistakes of a file, with a line in `details` for each of them. It lists only
 * the first ones of very many. @param mistakes at least one, in the order of the file
 */
export function mistakesError(
  name: string,
  mistakes: readonly FileMistake[],
  hint = 'Correct the file. dray has sent no request.',
): DrayError {
  const listed = firstOf(mistakes)
  const lines = listed.map((one) => formatMistake(name, one))
  const [first = ''] = lines
  const rest = mistakes.length - listed.length
  const isOne = mistakes.length === 1
  return new DrayError('config', isOne ? first : `${name} has ${mistakes.length} mistakes`, {
    ...(!isOne && { details: [...lines, ...(rest > 0 ? [`and ${rest} more`] : [])] }),
    mistakes: listed,
    subject: name,
    hint,
  })
}

/**
 * Formats warnings on one line each; only the first of many.
 * @param kind a plural noun for them: `deprecated keys`
 */
export function formatWarnings(name: string, all: readonly FileMistake[], kind: string): readonly string[] {
  const rest = all.length - maxWarnings
  const lines = all.slice(0, maxWarnings).map((one) => formatMistake(name, one))
  return rest > 0 ? [...lines, `${name} has ${rest} more ${kind}`] : lines
}

/** The first mistakes, at least one, so that an error has a bounded size. */
function firstOf(mistakes: readonly FileMistake[]): readonly FileMistake[] {
  let size = 0
  const end = mistakes.findIndex((one, i) => {
    size += JSON.stringify(one).length
    return i > 0 && (i >= maxListed || size > maxSize)
  })
  return end < 0 ? mistakes : mistakes.slice(0, end)
}
