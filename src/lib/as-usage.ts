import { DrayError, isDrayError, toErrorInfo } from './errors.ts'

/** Runs a parser of text from the command line: `malformed` text there is an error of `usage`. */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse()
  } catch (cause) {
    if (!isDrayError(cause) || cause.code !== 'malformed') throw cause
    throw new DrayError('usage', cause.message, { ...toErrorInfo(cause), cause })
  }
}
