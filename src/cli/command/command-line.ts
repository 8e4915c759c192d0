import { quoteWord } from '../../lib/quote-word.ts'
import { escapeText } from '../../render/text/escape.ts'

/** The answers to questions about a command line. */
export interface Answers {
  /** the arguments before and after the questions */
  readonly was: readonly string[]
  readonly is: readonly string[]
  /** flags that were answered, with their values */
  readonly flags: readonly string[]
}

/**
 * The command line that does the same without questions.
 * @param given the original arguments and flags
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

/** The flag if it was set by an answer. */
export function newFlag(name: string, was: string | undefined, is: string | undefined): readonly string[] {
  return was === undefined && is !== undefined ? [`--${name}`, is] : []
}

/** Quotes words for a POSIX shell. */
export function formatCommandLine(words: readonly string[]): string {
  return words.map((word) => quoteWord(escapeText(word))).join(' ')
}
