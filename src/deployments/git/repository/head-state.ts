import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DrayError } from '../../../lib/errors.ts'
import { systemCode } from '../../../lib/files/io-error.ts'
import type { Git } from '../process/git.ts'

/** The checked-out commit. */
export interface HeadState {
  readonly commit: string
  /** without `refs/heads/`; absent: HEAD is detached */
  readonly branch?: string
}

/** Operations of git that are in progress while these files exist in its folder. */
const operations: readonly (readonly [file: string, name: string, command: string])[] = [
  ['MERGE_HEAD', 'merge', 'merge'],
  ['rebase-merge', 'rebase', 'rebase'],
  ['rebase-apply', 'rebase', 'rebase'],
  ['CHERRY_PICK_HEAD', 'cherry-pick', 'cherry-pick'],
  ['REVERT_HEAD', 'revert', 'revert'],
  ['sequencer', 'series of commits', 'cherry-pick'],
]

/** @throws `refused` if there is no commit. */
export async function readHead(git: Git): Promise<HeadState> {
  const { status, stdout } = await git.run(['rev-parse', 'HEAD^{commit}', '--symbolic-full-name', 'HEAD'])
  const [commit = '', ref = ''] = status === 0 ? stdout.toString('utf8').split('\n') : []
  if (commit === '')
    throw new DrayError('refused', `the repository ${git.folder} has no commits`, {
      subject: git.folder,
      hint: 'Commit the files first: git add . && git commit',
    })
  return { commit, ...(ref.startsWith(headsPrefix) && { branch: ref.slice(headsPrefix.length) }) }
}

export const headsPrefix = 'refs/heads/'

/** @throws `refused` during a merge, rebase, cherry-pick or revert. */
export async function checkNoOperation(git: Git): Promise<void> {
  const output = await git.read(`read the state of ${git.folder}`, ['rev-parse', '--absolute-git-dir'])
  // The path may contain line breaks.
  const folder = output.toString('utf8').replace(/\r?\n$/, '')
  for (const [file, name, command] of operations) {
    if (!(await isThere(join(folder, file)))) continue
    throw new DrayError('refused', `a ${name} is in progress in ${git.folder}`, {
      subject: git.folder,
      why: 'dray would commit in the middle of it',
      hint: `Finish it, or end it: git ${command} --abort`,
    })
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false
    throw thrown
  }
}
