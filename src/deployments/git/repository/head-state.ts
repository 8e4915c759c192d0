import { join } from 'node:path'
import { DrayError } from '../../../lib/errors.ts'
import { explainGit, type Git } from '../process/git.ts'
import { exists } from './file-reads.ts'

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

/** The state of a working tree. */
export interface WorkingState {
  readonly head: HeadState
  /** the folder of git for this working tree, absolute */
  readonly gitFolder: string
}

export const headsPrefix = 'refs/heads/'

/**
 * Reads the state of the working tree in which git runs.
 * @throws `refused` if git does not accept it, such as one of another user; and without a commit.
 */
export async function readState(git: Git): Promise<WorkingState> {
  const isInside = '--is-inside-work-tree'
  const args = [isInside, 'HEAD^{commit}', '--symbolic-full-name', 'HEAD', '--absolute-git-dir']
  const { status, stdout } = await git.run(['rev-parse', ...args])
  const [inside, commit = '', ref = '', ...folder] = stdout.toString('utf8').split('\n')
  if (status === 0 && inside === 'true') {
    const head = { commit, ...(ref.startsWith(headsPrefix) && { branch: ref.slice(headsPrefix.length) }) }
    // The last line is empty. The path may contain line breaks.
    return { head, gitFolder: folder.slice(0, -1).join('\n') }
  }
  const readable = await git.run(['rev-parse', isInside])
  if (readable.status === 0 && readable.stdout.toString('utf8') === 'true\n')
    throw new DrayError('refused', `the repository ${git.folder} has no commits`, {
      subject: git.folder,
      hint: 'Commit the files first: git add . && git commit',
    })
  throw new DrayError('refused', `git does not accept ${git.folder} as a working tree`, {
    subject: git.folder,
    why: readable.status === 0 ? 'it has no working tree' : explainGit(readable),
    hint: 'Correct the repository until "git status" works there.',
  })
}

/** @throws `refused` during a merge, rebase, cherry-pick or revert. */
export async function checkNoOperation({ folder }: Git, { gitFolder }: WorkingState): Promise<void> {
  for (const [file, name, command] of operations) {
    if (!(await exists(join(gitFolder, file)))) continue
    throw new DrayError('refused', `a ${name} is in progress in ${folder}`, {
      subject: folder,
      why: 'dray would commit in the middle of it',
      hint: `Finish it, or end it: git ${command} --abort`,
    })
  }
}
