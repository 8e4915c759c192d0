import { commitFiles } from '../commits/commit-files.ts'
import { isAncestor, readRange } from '../commits/own-commits.ts'
import { splitNul } from '../process/git.ts'
import type { Published, PublishRequest } from '../publish-request.ts'
import type { TargetBranch } from '../repository/branches.ts'
import type { WorkingRepository } from '../repository/find-repository.ts'
import { type LostPush, pushEdits } from './push-edits.ts'
import { pushCommit, readRemoteHead, type RemoteBranch } from './push-commit.ts'
import { fastForward, replaceCommit, restoreFiles } from './settle.ts'
import { TemporaryTree } from './temporary-tree.ts'

/** A request to push to a branch of a remote. */
interface PushRequest {
  readonly repository: WorkingRepository
  readonly request: PublishRequest
  readonly target: TargetBranch
  readonly to: RemoteBranch
  /** the paths below the root of the edited files */
  readonly names: readonly string[]
}

/** The commit that the working tree has for the branch. */
interface LocalCommit {
  readonly commit: string
  /** whether it may be replaced: it and all unpushed commits below it are edits of the request */
  readonly isReplaceable: boolean
}

/**
 * Commits in the working tree if the branch is checked out and has no unpushed commits of the user,
 * and pushes that. Otherwise, and after a rejected push, the commit is made in a temporary working
 * tree on the head of the remote branch. Only commits of dray are pushed.
 */
export async function publishPush(push: PushRequest): Promise<Published> {
  const { repository, request, target, to, names } = push
  const { git } = repository
  const upstream = target.isCheckedOut ? await readUpstream(push) : undefined
  let local: LocalCommit | undefined
  let lost: LostPush | undefined
  if (upstream !== undefined && (await hasOnlyOwnCommits(push, upstream))) {
    local = await commitLocally(push, upstream)
    if (local !== undefined) {
      const rejection = await pushCommit(git, local.commit, to)
      if (rejection === undefined) return published(to, local.commit, 1)
      lost = { base: upstream, why: rejection.why }
    } else if ((await readRemoteHead(git, to)) === target.head.commit) return published(to, undefined, 0)
  }
  const start = upstream ?? (await createdFrom(push))
  await using tree = await TemporaryTree.create(repository, request.folder, start)
  const pushed = await pushEdits({
    tree,
    request,
    to,
    baseFor: async (head) => head ?? start,
    ...(lost !== undefined && { lost }),
  })
  if (local === undefined) await restoreFiles(git, request.files, names)
  if (local?.isReplaceable === true) await replaceCommit(git, target, local.commit, pushed.head)
  else if (target.isCheckedOut) await fastForward(git, target, pushed.head)
  return published(to, pushed.commit, pushed.attempts)
}

function published({ branch }: RemoteBranch, commit: string | undefined, attempts: number): Published {
  return { ...(commit !== undefined && { commit }), branch, isPushed: true, attempts }
}

/** Returns the commit that the remote branch had at the last fetch or push; undefined if unknown. */
async function readUpstream({ repository: { git }, to }: PushRequest): Promise<string | undefined> {
  return await git.line([
    'rev-parse',
    '--verify',
    '--quiet',
    `refs/remotes/${to.remote}/${to.branch}^{commit}`,
  ])
}

/** A new branch begins at the upstream of the checked-out one, without unpushed commits. */
async function createdFrom({ repository: { git }, target: { head } }: PushRequest): Promise<string> {
  const upstream =
    head.branch &&
    (await git.line(['rev-parse', '--verify', '--quiet', `${head.branch}@{upstream}^{commit}`]))
  return upstream ?? head.commit
}

/** Whether a push of HEAD adds commits of dray only. */
async function hasOnlyOwnCommits(
  { repository: { git }, request }: PushRequest,
  upstream: string,
): Promise<boolean> {
  if (!(await isAncestor(git, upstream, 'HEAD'))) return false
  const { count, byDray } = await readRange(git, upstream, 'HEAD', request.trailers)
  return count === byDray
}

/** Returns what is to push: a new commit, or that of an earlier run that was killed. */
async function commitLocally(push: PushRequest, upstream: string): Promise<LocalCommit | undefined> {
  const { repository, request, target, names } = push
  const { git } = repository
  const commit = (await commitFiles(git, names, request)) ?? target.head.commit
  if (commit === upstream) return undefined
  const { count, ofRequest } = await readRange(git, upstream, commit, request.trailers)
  const args = ['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', upstream, commit]
  const changed = splitNul(await git.read(`compare commits of ${git.folder}`, args))
  const isReplaceable = count === ofRequest && changed.every((name) => names.includes(name))
  return { commit, isReplaceable }
}
