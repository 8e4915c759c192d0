import { type ImportedSync, importSyncFile } from '../../config/sync/import/import-sync-file.ts'
import { DrayError } from '../../lib/errors.ts'
import { readFileBounded } from '../../lib/files/read.ts'

const maxFileSize = 16 * 1024 ** 2

/**
 * Converts a file of regsync or skopeo sync to sections of dray.yaml.
 * @param to the destination of skopeo's file, which has none
 * @throws `not-found`, `io`, `malformed`.
 */
export async function convertSyncFile(file: string, to: string | undefined): Promise<ImportedSync> {
  const bytes = await readFileBounded(file, maxFileSize)
  if (bytes === undefined) {
    throw new DrayError('not-found', `cannot read ${file}`, {
      subject: file,
      why: 'the file does not exist',
      hint: 'Pass the path of a regsync.yml or of the YAML of skopeo sync.',
    })
  }
  return importSyncFile(new TextDecoder().decode(bytes), to)
}
