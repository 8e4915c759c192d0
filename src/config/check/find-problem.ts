import { isDrayError } from '../../lib/errors.ts'

/** The message of a parser in `oci/` about a text, or undefined. */
export function findProblem(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (thrown) {
    if (isDrayError(thrown)) return thrown.message
    throw thrown
  }
}
