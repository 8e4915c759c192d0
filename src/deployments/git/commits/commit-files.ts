import { DrayError } from '../../../lib/errors.ts'
import { digestOf } from '../../../oci/digest.ts'
import { explainGit, type Git } from '../process/git.ts'
import type { FileToPublish } from '../publish-request.ts'
import { readBytes } from '../repository/file-reads.ts'
import { formatMessage, type MessageParts } from './message.ts'

/**
 * Commits these files and nothing else; other staged changes stay staged. Hooks and signing work as
 * configured. Returns the id of the commit, or undefined if no file differs from HEAD.
 * @param names below the root of the working tree, with `/`
 * @throws `refused` if a hook or the signing fails; the files stay unchanged.
 */
export async function commitFiles(
  git: Git,
  names: readonly string[],
  message: MessageParts,
): Promise<string | undefined> {
  if (!(await differFromHead(git, names))) return undefined
  // A subject may begin with `#`, which other clean-up modes remove.
  const args = ['commit', '--quiet', '--only', '--no-edit', '--cleanup=whitespace']
  const paths = ['--pathspec-from-file=-', '--pathspec-file-nul']
  const result = await git.run([...args, '-m', formatMessage(message), ...paths], {
    kind: 'hooks',
    input: names.map((name) => `${name}\0`).join(''),
  })
  if (result.status !== 0)
    throw new DrayError('refused', `git cannot commit the edited files in ${git.folder}`, {
      subject: git.folder,
      why: explainGit(result),
      hint: 'Correct that and run the command again. The edited files stay in the working tree.',
    })
  return await git.readId(`read HEAD of ${git.folder}`, ['rev-parse', 'HEAD'])
}

async function differFromHead(git: Git, names: readonly string[]): Promise<boolean> {
  const args = ['status', '--porcelain=v2', '-z', '--no-renames', '--untracked-files=all']
  const output = await git.readPaths(`read the status of ${git.folder}`, args, names)
  return output.byteLength > 0
}

/** @throws `conflict` if another program has changed a file after the edits. */
export async function checkHashes(files: readonly FileToPublish[]): Promise<void> {
  for (const { path, hash } of files) {
    if (digestOf(await readBytes(path)) === hash) continue
    throw new DrayError('conflict', `${path} was changed after dray edited it`, {
      subject: path,
      why: 'dray commits only the bytes that it wrote',
      hint: 'Commit or revert that change, and run the command again.',
    })
  }
}
