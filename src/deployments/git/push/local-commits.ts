import { isAncestor, readRange } from '../commits/own-commits.ts'
import { splitNul } from '../process/git.ts'
import type { PublishRequest } from '../publish-request.ts'
import type { TargetBranch } from '../repository/branches.ts'
import type { WorkingRepository } from '../repository/find-repository.ts'
import type { RemoteBranch } from './push-commit.ts'

/** A request to push to a branch of a remote. */
export interface PushRequest {
  readonly repository: WorkingRepository
  readonly request: PublishRequest
  readonly target: TargetBranch
  /** the branch of `target` in its remote */
  readonly to: RemoteBranch
  /** the paths below the root of the edited files */
  readonly names: readonly string[]
}

/**
 * Returns the commit that the remote branch had at the last fetch or push; undefined if unknown.
 */
export async function readUpstream({ repository: { git }, to }: PushRequest): Promise<string | undefined> {
  const ref = `refs/remotes/${to.remote}/${to.branch}^{commit}`
  return await git.line(['rev-parse', '--verify', '--quiet', ref])
}

/** A new branch begins at the upstream of the checked-out one, without unpushed commits. */
export async function startOfBranch({ repository: { git }, target }: PushRequest): Promise<string> {
  const { commit, branch } = target.head
  if (branch === undefined || target.isCheckedOut) return commit
  const upstream = await git.line(['rev-parse', '--verify', '--quiet', `${branch}@{upstream}^{commit}`])
  return upstream ?? commit
}

/** Whether a push of HEAD adds commits of dray only. */
export async function hasOnlyOwnCommits(push: PushRequest, upstream: string): Promise<boolean> {
  const { git } = push.repository
  if (push.target.head.commit === upstream) return true
  if (!(await isAncestor(git, upstream, 'HEAD'))) return false
  const { count, byDray } = await readRange(git, upstream, 'HEAD', push.request.trailers)
  return count === byDray
}

/**
 * Whether all commits that `commit` has and the remote branch does not have are edits of this
 * request, which the commit in the remote replaces. The edits of another request would be lost.
 */
export async function isReplaceable(
  { repository: { git }, request, names }: PushRequest,
  upstream: string,
  commit: string,
): Promise<boolean> {
  if (!(await isAncestor(git, upstream, commit))) return false
  const { count, ofRequest } = await readRange(git, upstream, commit, request.trailers)
  if (count !== ofRequest) return false
  const args = ['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', upstream, commit]
  const changed = splitNul(await git.read(`compare commits of ${git.folder}`, args))
  return changed.every((name) => names.includes(name))
}
