import { isDrayError } from '../../lib/errors.ts'
import type { SignerVerdict } from './check-keys.ts'
import type { SignatureVerdict, SignedContent } from './verdict.ts'

/**
 * Parses the content and checks its signatures. Every exception of one of them means "not verified"
 * and becomes a problem.
 */
export async function verdictOf(
  where: string,
  parse: () => SignedContent,
  check: () => SignerVerdict | Promise<SignerVerdict>,
): Promise<SignatureVerdict> {
  let content: SignedContent
  try {
    content = parse()
  } catch (error) {
    return { signers: [], problems: [problemOf(error, where)] }
  }
  try {
    return { content, ...(await check()) }
  } catch (error) {
    return { content, signers: [], problems: [problemOf(error, where)] }
  }
}

/** One line that begins with what was checked. */
export function problemOf(error: unknown, where: string): string {
  if (!isDrayError(error)) return `${where}: ${error instanceof Error ? error.message : String(error)}`
  const text = error.why === undefined ? error.message : `${error.message}: ${error.why}`
  return text.startsWith(where) ? text : `${where}: ${text}`
}
