import { readFile, stat } from 'node:fs/promises'
import { DrayError } from '../../../lib/errors.ts'
import { explainFailure, systemCode } from '../../../lib/files/io-error.ts'

/** @throws `io`. */
export async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw cannotRead(file, cause)
  }
}

/** The error for a file of a request that cannot be read: also if it is missing now. */
export function cannotRead(file: string, cause: unknown): DrayError {
  return new DrayError('io', `cannot read ${file}`, { subject: file, why: explainFailure(cause), cause })
}

/** Whether a path exists. @throws the error of the system if that is unknown. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(thrown) ?? '')) return false
    throw thrown
  }
}
