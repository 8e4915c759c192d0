import { isDrayError } from '../../lib/errors.ts'

/** What a parser of `oci/` says against a text, or undefined. */
export function complaintOf(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (thrown) {
    if (isDrayError(thrown)) return thrown.message
    throw thrown
  }
}
