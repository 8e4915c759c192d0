import { DrayError, isDrayError } from '../errors.ts'
import { explainSystemFailure, systemCause } from '../system-errors.ts'

/**
 * Returns the system's name of a failure, such as `ENOENT`; undefined if it is not the system's.
 */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}

/** Explains a failure: its cause in plain words, if the code shows it, and the system's message. */
export function explainFailure(thrown: unknown): string {
  return explainSystemFailure(systemCode(thrown), thrown instanceof Error ? thrown.message : String(thrown))
}

/**
 * Converts a failure of the file system into a `DrayError`: `not-found` if the path does not exist,
 * otherwise `io`, with the cause and the fix if the code shows them. A `DrayError` or an abort is
 * returned unchanged.
 */
export function ioError(thrown: unknown, message: string, path: string): unknown {
  if (isDrayError(thrown)) return thrown
  const code = systemCode(thrown)
  if (code === undefined || code === 'ABORT_ERR') return thrown
  return new DrayError(code === 'ENOENT' ? 'not-found' : 'io', message, {
    subject: path,
    why: explainFailure(thrown),
    hint: systemCause(code)?.hint,
    cause: thrown,
  })
}

/**
 * Returns the hint of an error, unless the disk or a permission is its cause: for these, a caller
 * that knows what the file is for has a better one.
 */
export function hintUnlessDisk(error: unknown): string | undefined {
  if (!isDrayError(error)) return undefined
  const cause = systemCause(systemCode(error.cause))
  return cause === undefined || cause.isLimit === true ? error.hint : undefined
}

/**
 * Returns what is read, or undefined if the path does not exist. No other failure means that.
 * @throws `io`.
 */
export async function ifThere<T>(reading: Promise<T>, path: string, hint?: string): Promise<T | undefined> {
  try {
    return await reading
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined
    const error = ioError(thrown, `cannot read ${path}`, path)
    throw hint !== undefined && isDrayError(error) ? error.with({ hint, cause: error.cause }) : error
  }
}
