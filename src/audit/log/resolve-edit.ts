import { resolve } from 'node:path'
import { toErrorInfo } from '../../lib/errors.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { digestOf } from '../../oci/digest.ts'
import type { EditStep } from '../../plan/edits/edit-step.ts'
import type { AuditRecord } from './record.ts'

/** Larger files are not edited. */
const maxFileSize = 16 * 1024 * 1024

/**
 * Finds out whether an interrupted run edited a file, by the hash of the file. A file with other
 * content, or in another folder, shows nothing: the outcome is recorded as unknown.
 * @param folder that of dray.yaml, to which the file of the step is relative
 */
export async function checkEdited(
  { file, fileHash, resultHash }: EditStep,
  folder: string,
): Promise<Pick<AuditRecord, 'result' | 'error'>> {
  const found = await hashOfFile(resolve(folder, file))
  if ('hash' in found && found.hash === resultHash) return { result: 'done' }
  const message =
    'hash' in found && found.hash === fileHash
      ? `${file} was not edited: it has not changed`
      : `the outcome of the edit of ${file} is unknown: ${'hash' in found ? 'the file has other content' : found.why}`
  return {
    result: 'failed',
    error: {
      code: 'interrupted',
      message,
      subject: file,
      why: 'the run ended before it recorded an outcome',
    },
  }
}

async function hashOfFile(path: string): Promise<{ readonly hash: string } | { readonly why: string }> {
  try {
    const bytes = await readFileBounded(path, maxFileSize)
    return bytes === undefined ? { why: `${path} does not exist` } : { hash: digestOf(bytes) }
  } catch (error) {
    return { why: toErrorInfo(error).message }
  }
}
