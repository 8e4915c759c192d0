import { DrayError, isDrayError } from '../../lib/errors.ts'

/**
 * Does what has to succeed before the first delete. If the disk does not allow it, the error says
 * that nothing was deleted.
 * @param what the error message, such as `cannot save the plan`
 * @throws what `work` throws
 */
export async function beforeFirstDelete<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isDrayError(error) || !isOfDisk(error)) throw error
    const { subject, why, message } = error
    throw new DrayError(error.code, `${what}; nothing was deleted`, {
      ...(subject !== undefined && { subject }),
      why: why ?? message,
      hint: 'Free disk space or grant write access. Then run the command again. To use another folder, pass --audit-file, or set XDG_STATE_HOME if no audit log is configured.',
      cause: error,
    })
  }
}

/** An audit log that was changed by others is another problem, with a hint of its own. */
function isOfDisk({ code, cause }: DrayError): boolean {
  if (code === 'audit') return isDrayError(cause) && isOfDisk(cause)
  return code === 'io' || code === 'not-found'
}
