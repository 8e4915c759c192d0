import { formatCause, isDrayError } from '../../lib/errors.ts'
import type { SignerVerdict } from './check-keys.ts'
import type { SignatureVerdict, SignedContent } from './verdict.ts'

/**
 * Checks the signatures over a content, and parses it. An exception of the check means "not
 * verified", and one of the parser means that there is no content, for any signer. Both become
 * problems.
 */
export async function verdictOf(
  where: string,
  parse: () => SignedContent,
  check: () => SignerVerdict | Promise<SignerVerdict>,
): Promise<SignatureVerdict> {
  const { signers, problems } = await checked(where, check)
  try {
    return { content: parse(), signers, problems }
  } catch (error) {
    return { signers, problems: [problemOf(error, where), ...problems] }
  }
}

async function checked(
  where: string,
  check: () => SignerVerdict | Promise<SignerVerdict>,
): Promise<SignerVerdict> {
  try {
    return await check()
  } catch (error) {
    return { signers: [], problems: [problemOf(error, where)] }
  }
}

/** A message can quote a field of any length. */
const maxProblem = 1000

/** A text that begins with what was checked. */
export function problemOf(error: unknown, where: string): string {
  const text = textOf(error)
  return (text.startsWith(where) ? text : `${where}: ${text}`).slice(0, maxProblem)
}

function textOf(error: unknown): string {
  if (isDrayError(error)) return formatCause(error)
  return error instanceof Error ? error.message : String(error)
}
