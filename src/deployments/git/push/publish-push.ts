import { commitFiles } from '../commits/commit-files.ts'
import type { Published } from '../publish-request.ts'
import {
  hasOnlyOwnCommits,
  isReplaceable,
  type PushRequest,
  readUpstream,
  startOfBranch,
} from './local-commits.ts'
import { type LostPush, pushEdits } from './push-edits.ts'
import { pushCommit, readRemoteHead, type RemoteBranch } from './push-commit.ts'
import { fastForward, replaceCommit, restoreFiles } from './settle.ts'
import { TemporaryTree } from './temporary-tree.ts'

/**
 * Commits in the working tree if the branch is checked out and has no unpushed commits of the user,
 * and pushes that. Otherwise, and after a rejected push, the commit is made in a temporary working
 * tree on the head of the remote branch. Only commits of dray are pushed.
 */
export async function publishPush(push: PushRequest): Promise<Published> {
  const { repository, request, target, to, names } = push
  const { git } = repository
  const upstream = target.isCheckedOut ? await readUpstream(push) : undefined
  let local: string | undefined
  let lost: LostPush | undefined
  if (upstream !== undefined && (await hasOnlyOwnCommits(push, upstream))) {
    const head = (await commitFiles(git, names, request)) ?? target.head.commit
    if (head !== upstream) {
      local = head
      const rejection = await pushCommit(git, local, to)
      if (rejection === undefined) return published(to, local, 1)
      lost = { base: upstream, why: rejection.why }
    } else if ((await readRemoteHead(git, to)) === head) return published(to, undefined, 0)
  }
  const start = upstream ?? (await startOfBranch(push))
  await using tree = await TemporaryTree.create(repository, request.folder, start)
  const pushed = await pushEdits({
    tree,
    request,
    to,
    baseFor: async (head) => head ?? start,
    ...(lost !== undefined && { lost }),
  })
  if (local === undefined) await restoreFiles(git, request.files, names)
  if (local !== undefined && upstream !== undefined && (await isReplaceable(push, upstream, local)))
    await replaceCommit(git, target, local, pushed.head)
  else if (target.isCheckedOut) await fastForward(git, target, pushed.head)
  return published(to, pushed.commit, pushed.attempts)
}

function published({ branch }: RemoteBranch, commit: string | undefined, attempts: number): Published {
  return { ...(commit !== undefined && { commit }), branch, isPushed: true, attempts }
}
