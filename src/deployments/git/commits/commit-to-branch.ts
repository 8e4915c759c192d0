import { commitOn } from '../push/push-edits.ts'
import { restoreFiles } from '../push/settle.ts'
import { TemporaryTree } from '../push/temporary-tree.ts'
import type { Published, PublishRequest } from '../publish-request.ts'
import type { TargetBranch } from '../repository/branches.ts'
import type { WorkingRepository } from '../repository/find-repository.ts'
import { headsPrefix } from '../repository/head-state.ts'

const noCommit = '0'.repeat(40)

/**
 * Commits to a local branch that is not checked out; a new one begins at HEAD. The commit is made
 * in a temporary working tree, and the checked-out branch stays unchanged.
 */
export async function commitToBranch(
  repository: WorkingRepository,
  target: TargetBranch,
  names: readonly string[],
  request: PublishRequest,
): Promise<Published> {
  const { git } = repository
  const ref = `${headsPrefix}${target.name}`
  const before = await git.line(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`])
  const base = before ?? target.head.commit
  await using tree = await TemporaryTree.create(repository, request.folder, base)
  const commit = await commitOn(base, { tree, request })
  if (commit !== undefined) {
    // Git compares the old value: a commit that another process made meanwhile is not lost.
    const args = ['update-ref', '-m', 'dray: commit', ref, commit, before ?? noCommit]
    await git.read(`move the branch ${target.name}`, args)
  }
  await restoreFiles(git, request.files, names)
  return { ...(commit !== undefined && { commit }), branch: target.name, isPushed: false, attempts: 0 }
}
