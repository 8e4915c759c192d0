import { escapeText } from '../../render/text/escape.ts'

/** What was answered of a command line. */
export interface Answers {
  /** the words as they were given, and as they are now */
  readonly was: readonly string[]
  readonly is: readonly string[]
  /** flags that were not given, with their values */
  readonly flags: readonly string[]
}

/**
 * The command line that does the same without questions: what was given, completed, and what was answered.
 * @param given the arguments as they were given, flags and all
 */
export function sameCommand(command: string, given: readonly string[], { was, is, flags }: Answers): string {
  const completed = new Map(was.map((word, i) => [word, is[i] ?? word]))
  return formatCommandLine([
    'dray',
    command,
    ...(was.length === 0 ? is : []),
    ...given.map((word) => completed.get(word) ?? word),
    ...(was.length === 0 ? [] : is.slice(was.length)),
    ...flags,
  ])
}

/** A flag that is there now and was not before. */
export function newFlag(name: string, was: string | undefined, is: string | undefined): readonly string[] {
  return was === undefined && is !== undefined ? [`--${name}`, is] : []
}

/** As a POSIX shell reads it. */
function formatCommandLine(words: readonly string[]): string {
  return words.map(quote).join(' ')
}

function quote(word: string): string {
  const text = escapeText(word)
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
