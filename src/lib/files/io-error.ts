import { DrayError, isDrayError } from '../errors.ts'

/** The system's own name of a failure, such as `ENOENT`; undefined where it is none of the system's. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}

/** A failure of the file system as our error: `not-found` where the path is not there, else `io`. Ours and aborts go through as they are. */
export function ioError(thrown: unknown, message: string, path: string): unknown {
  if (isDrayError(thrown)) return thrown
  const code = systemCode(thrown)
  if (code === undefined || code === 'ABORT_ERR') return thrown
  const why = thrown instanceof Error ? thrown.message : code
  return new DrayError(code === 'ENOENT' ? 'not-found' : 'io', message, { subject: path, why, cause: thrown })
}
