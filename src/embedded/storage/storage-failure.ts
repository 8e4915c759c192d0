import { type DrayError } from '../../lib/errors.ts'
import { systemCode } from '../../lib/files/io-error.ts'
import { foreignRefusal, type RegistryFailureCode } from '../errors.ts'

/**
 * The error that a client gets if the system does not let the registry store something. The message
 * begins with that of the system: docker does not retry a push if it finds "no space left on
 * device".
 */
const failures: ReadonlyMap<string, readonly [RegistryFailureCode, string]> = new Map([
  ['ENOSPC', ['STORAGE_FULL', 'no space left on device: the disk of the registry is full']],
  ['EDQUOT', ['STORAGE_FULL', 'disk quota exceeded: the registry cannot store more']],
  ['EFBIG', ['STORAGE_FULL', 'file too large: the disk of the registry does not accept a file of this size']],
  ['EROFS', ['STORAGE_FAILED', 'read-only file system: the registry cannot change anything']],
  ['EIO', ['STORAGE_FAILED', 'input/output error: the disk of the registry fails']],
])

/**
 * Runs a change of files. A failure of the disk becomes a refusal with 507 (RFC 4918, section
 * 11.5), because clients repeat a request after a 500, and no repetition helps. Its cause, which
 * has the path, is for the operator.
 */
export async function storing<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change()
  } catch (error) {
    throw storageRefusal(error) ?? error
  }
}

function storageRefusal(error: unknown): DrayError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const failure = failures.get(systemCode(at) ?? '')
    if (failure !== undefined) return foreignRefusal(failure[0], 507, failure[1], error)
  }
  return undefined
}
