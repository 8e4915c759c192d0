import { DrayError, type FileMistake, isDrayError } from '../lib/errors.ts'
import { formatKeyPath } from './key-path.ts'
import type { ConfigSource } from './source.ts'
import type { Issue } from './shape.ts'

/** The mistakes that an error of another command than `config validate` lists. */
const maxListed = 20

const correctFile = 'Correct the file. dray has sent no request.'

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

/** Formats a mistake on one line, as compilers do: `dray.yaml:7:5: images.Web: …`. */
export function formatMistake(name: string, { path, line, column, message, hint }: FileMistake): string {
  const text = hint === undefined ? message : `${message}; ${hint}`
  return `${name}:${line}:${column}: ${path === '' ? '' : `${path}: `}${text}`
}

/**
 * The error for the mistakes of a file. It lists the first ones in `details`, and has all of them
 * in `mistakes`. @param mistakes at least one, in the order of the file
 */
export function mistakesError(name: string, mistakes: readonly FileMistake[]): DrayError {
  const lines = mistakes.map((one) => formatMistake(name, one))
  const [first = ''] = lines
  const rest = lines.length - maxListed
  const isOne = lines.length === 1
  return new DrayError('config', isOne ? first : `${name} has ${lines.length} mistakes`, {
    ...(!isOne && { details: [...lines.slice(0, maxListed), ...(rest > 0 ? [`and ${rest} more`] : [])] }),
    mistakes,
    subject: name,
    hint: rest > 0 ? `Correct the file. "dray config validate" lists all mistakes.` : correctFile,
  })
}

/** An error with a line for each of its mistakes, for `config validate`. Other errors stay. */
export function listAllMistakes(thrown: unknown): unknown {
  if (!isDrayError(thrown) || thrown.mistakes === undefined || thrown.mistakes.length <= maxListed)
    return thrown
  return thrown.with({
    details: thrown.mistakes.map((one) => formatMistake(thrown.subject ?? '', one)),
    hint: correctFile,
  })
}
