import { realpath } from 'node:fs/promises'
import { relative, resolve, sep } from 'node:path'
import { readEditable, writeEdited } from '../../deployments/edit/write-edited.ts'
import { filesMatching } from '../../deployments/files/glob.ts'
import { isDrayError } from '../../lib/errors.ts'
import type { Hash } from '../../plan/plan.ts'
import type { DeploymentFiles } from '../../usecases/gitops/gather.ts'

/** The deployment files below a folder, to read and to write. */
export interface EditableFiles extends DeploymentFiles {
  /** absolute */
  readonly folder: string
  /**
   * Writes a file whose bytes have the hash `expected`. @throws `conflict` for other bytes; `io`;
   * `refused` for a link that leaves the folder.
   */
  write(file: string, expected: Hash, bytes: Uint8Array): Promise<void>
}

/** @param folder absolute; no file outside of it is read or written */
export function deploymentFilesIn(folder: string): EditableFiles {
  return {
    folder,
    list: async (glob, call) => {
      try {
        const names = await filesMatching(glob, folder, call)
        return [...new Set(await Promise.all(names.map((name) => ownName(folder, name))))].sort()
      } catch (error) {
        if (!isDrayError(error) || error.code !== 'io') throw error
        throw error.with({ hint: 'Make the path readable, or correct the glob in dray.yaml.', cause: error })
      }
    },
    read: async (file) => (await readEditable(folder, file)).bytes,
    write: async (file, expected, bytes) => {
      await writeEdited({ root: folder, path: file, expected, bytes })
    },
  }
}

/** The name of the file that a link leads to, so that no file has two names. */
async function ownName(folder: string, name: string): Promise<string> {
  const [root, target] = await Promise.all([realpath(folder), realpath(resolve(folder, name))])
  const below = relative(root, target).split(sep).join('/')
  // Reading a file outside of the folder is refused.
  return below === '' || below.startsWith('../') || below === '..' ? name : below
}
