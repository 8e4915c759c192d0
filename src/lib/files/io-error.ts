import { DrayError, isDrayError } from '../errors.ts'
import { explainSystemFailure, systemCause } from '../system-errors.ts'

/**
 * Returns the system's name of a failure, such as `ENOENT`; undefined if it is not the system's.
 */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}

/**
 * Converts a failure of the file system into a `DrayError`: `not-found` if the path does not exist,
 * else `io`, with the cause and the fix if the code tells them. A `DrayError` or an abort stays as
 * it is.
 */
export function ioError(thrown: unknown, message: string, path: string): unknown {
  if (isDrayError(thrown)) return thrown
  const code = systemCode(thrown)
  if (code === undefined || code === 'ABORT_ERR') return thrown
  return new DrayError(code === 'ENOENT' ? 'not-found' : 'io', message, {
    subject: path,
    why: explainSystemFailure(code, thrown instanceof Error ? thrown.message : code),
    hint: systemCause(code)?.hint,
    cause: thrown,
  })
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
