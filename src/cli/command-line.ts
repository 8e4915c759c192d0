import { escapeText } from '../render/escape.ts'
import type { Way } from './way.ts'

/**
 * The command line that does the same without questions: what was given, completed, and what was answered.
 * @param given the arguments as they were given, flags and all
 */
export function sameCommand(command: string, given: readonly string[], was: Way, is: Way): string {
  const completed = new Map(was.words.map((word, i) => [word, is.words[i] ?? word]))
  const isNew = was.words.length === 0
  return formatCommandLine([
    'dray',
    command,
    ...(isNew ? is.words : []),
    ...given.map((word) => completed.get(word) ?? word),
    ...(was.from === undefined && is.from !== undefined ? ['--from', is.from] : []),
    ...(was.to === undefined && is.to !== undefined ? ['--to', is.to] : []),
  ])
}

/** As a POSIX shell reads it. */
function formatCommandLine(words: readonly string[]): string {
  return words.map(quote).join(' ')
}

function quote(word: string): string {
  const text = escapeText(word)
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
