import { isDrayError } from '../../../lib/errors.ts'
import { checkHashes } from '../commits/commit-files.ts'
import { isAncestor } from '../commits/own-commits.ts'
import { explainGit, type Git } from '../process/git.ts'
import type { FileToPublish } from '../publish-request.ts'
import type { TargetBranch } from '../repository/branches.ts'

/**
 * Restores the edited files to those of HEAD, after another branch has the edits. A later pull or
 * checkout then finds no uncommitted changes. A file that changed meanwhile stays unchanged.
 */
export async function restoreFiles(
  git: Git,
  files: readonly FileToPublish[],
  names: readonly string[],
): Promise<void> {
  try {
    await checkHashes(files)
    const args = ['checkout', '--quiet', '--no-overlay', 'HEAD']
    await git.readPaths(`restore the edited files in ${git.folder}`, args, names, { kind: 'hooks' })
  } catch (error) {
    if (!isDrayError(error)) throw error
    warn(git, `The edited files stay uncommitted in ${git.folder}: ${error.message}`)
  }
}

/**
 * Moves the checked-out branch to the head of its remote branch, if that loses nothing: HEAD is an
 * ancestor of it. Staged and other uncommitted work stays. Git refuses if it concerns the same
 * files; the branch then stays behind.
 */
export async function fastForward(git: Git, target: TargetBranch, to: string): Promise<void> {
  if (!(await isAncestor(git, 'HEAD', to))) {
    warn(git, `${target.name} has commits that are not pushed. Rebase them: git pull --rebase`)
    return
  }
  const result = await git.run(['merge', '--quiet', '--ff-only', '--no-stat', to], { kind: 'hooks' })
  if (result.status !== 0) warnBehind(git, target, explainGit(result))
}

/**
 * Replaces the commit that this run made and could not push by the head of the remote branch. A
 * checkout merges uncommitted work of the user, staged or not, or refuses and changes nothing;
 * `git reset --keep` would unstage it.
 * @param commit HEAD; all commits that the remote does not have are edits of this request
 */
export async function replaceCommit(
  git: Git,
  { head, name }: TargetBranch,
  commit: string,
  to: string,
): Promise<void> {
  if (head.branch === undefined || (await git.line(['rev-parse', 'HEAD'])) !== commit) return
  const result = await git.run(['checkout', '--quiet', '--no-track', '-B', head.branch, to, '--'], {
    kind: 'hooks',
  })
  if (result.status === 0) return
  warn(
    git,
    `${name} has a commit of dray that is not in the remote. Rebase it: git pull --rebase (${explainGit(result)})`,
  )
}

function warnBehind(git: Git, { name }: TargetBranch, why: string): void {
  warn(git, `${name} is behind its remote branch, which has the edits. Run git pull: ${why}`)
}

function warn(git: Git, text: string): void {
  git.call.notify({ kind: 'warning', text })
}
