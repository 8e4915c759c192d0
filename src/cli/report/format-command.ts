import { quoteWord } from '../../lib/quote-word.ts'
import { redactText } from '../../registry/http/redact.ts'

/**
 * Formats a command line for a POSIX shell. Text that looks like a token, and credentials in URLs,
 * are `…`: a report is published.
 */
export function formatCommand(command: string, argv: readonly string[]): string {
  return ['dray', command, ...argv].map((word) => quoteWord(redactText(word))).join(' ')
}
