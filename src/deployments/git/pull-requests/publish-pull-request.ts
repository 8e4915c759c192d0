import { DrayError } from '../../../lib/errors.ts'
import { formatMessage, subjectOf } from '../commits/message.ts'
import { isAncestor } from '../commits/own-commits.ts'
import { fetchBranch, nameOf } from '../push/push-commit.ts'
import { commitOn, pushEdits } from '../push/push-edits.ts'
import { isReplaceable, type PushRequest, readUpstream } from '../push/local-commits.ts'
import { replaceCommit, restoreFiles } from '../push/settle.ts'
import { TemporaryTree } from '../push/temporary-tree.ts'
import type { Published } from '../publish-request.ts'
import { checkBranchName } from '../repository/branches.ts'
import { redactUrls } from '../process/redact-urls.ts'
import { findProgram, type ForgeProgram, openPullRequest } from './forge-programs.ts'
import { mergeRequestsUrl, newPullRequestUrl } from './page-url.ts'
import { type ForgeRepository, parseRemoteUrl } from './remote-repository.ts'

/** How the pull request is opened. */
interface Opener {
  readonly repository: ForgeRepository | undefined
  /** absent: by push options of GitLab, or by a person */
  readonly program: ForgeProgram | undefined
  readonly pushOptions: readonly string[]
}

/**
 * Pushes the edits to the branch of the pull request, and opens it if it is not open. The commit is
 * made in a temporary working tree on the head of the base branch in the remote: no other commit of
 * the user is part of the pull request. A repeated run finds its branch and its pull request.
 */
export async function publishPullRequest(push: PushRequest): Promise<Published> {
  const { repository, request, target, to: base } = push
  const to = { remote: base.remote, branch: request.pullRequestBranch }
  await checkBranchName(repository.git, to.branch)
  if (to.branch === base.branch) throw sameBranch(base.branch)
  await using tree = await TemporaryTree.create(repository, request.folder, target.head.commit)
  const baseHead = await fetchBranch(tree.git, base)
  if (baseHead === undefined) throw noBase(nameOf(base), base.branch)
  if ((await commitOn(baseHead, { tree, request })) === undefined) {
    await restoreTree(push)
    return { branch: base.branch, isPushed: true, attempts: 0 }
  }
  const opener = await chooseOpener(push)
  const pushed = await pushEdits({
    tree,
    request,
    to,
    // A branch that was merged continues at the base; any other one keeps its commits.
    baseFor: async (head) =>
      head === undefined || (await isAncestor(tree.git, head, baseHead)) ? baseHead : head,
    options: opener.pushOptions,
  })
  await restoreTree(push)
  const pullRequest = await open(push, opener)
  if (pullRequest === undefined) warnNotOpen(push)
  const { commit, attempts } = pushed
  return {
    ...(commit !== undefined && { commit }),
    branch: to.branch,
    isPushed: true,
    ...(pullRequest !== undefined && { pullRequest }),
    attempts,
  }
}

/** Removes the edits, and a commit of them that an earlier run could not push, from the branch. */
async function restoreTree(push: PushRequest): Promise<void> {
  const { repository, request, target, names } = push
  await restoreFiles(repository.git, request.files, names)
  const upstream = target.isCheckedOut ? await readUpstream(push) : undefined
  const { commit } = target.head
  if (upstream === undefined || upstream === commit) return
  if (await isReplaceable(push, upstream, commit))
    await replaceCommit(repository.git, target, commit, upstream)
}

async function chooseOpener({ repository: { git }, request, to }: PushRequest): Promise<Opener> {
  const url = (await git.line(['remote', 'get-url', '--push', '--', to.remote])) ?? to.remote
  const repository = parseRemoteUrl(url)
  const program = repository && (await findProgram(git, repository))
  const isByOptions = program === undefined && repository?.kind === 'gitlab'
  const pushOptions = isByOptions
    ? [
        'merge_request.create',
        `merge_request.target=${to.branch}`,
        `merge_request.title=${subjectOf(request)}`,
      ]
    : []
  return { repository, program, pushOptions }
}

async function open(
  { repository: { git }, request, to: { branch: base } }: PushRequest,
  { repository, program, pushOptions }: Opener,
): Promise<Published['pullRequest']> {
  if (repository === undefined) return undefined
  const branch = request.pullRequestBranch
  const text = { branch, base, title: subjectOf(request) }
  if (program !== undefined) {
    const content = { ...text, body: bodyOf(formatMessage(request)) }
    return { url: await openPullRequest(git, program, repository, content), isOpen: true }
  }
  if (pushOptions.length > 0) return { url: mergeRequestsUrl(repository, branch), isOpen: true }
  const url = newPullRequestUrl(repository, text)
  return url === undefined ? undefined : { url, isOpen: false }
}

function warnNotOpen({ repository: { git }, request, to }: PushRequest): void {
  const text = `No pull request is open, because the server of ${redactUrls(to.remote)} is unknown. Open one from ${request.pullRequestBranch} to ${to.branch}.`
  git.call.notify({ kind: 'warning', text })
}

/** The trailers, as code: their values are not Markdown. */
function bodyOf(message: string): string {
  const trailers = message.split('\n').slice(2).join('\n').trimEnd()
  return trailers === '' ? 'Made by dray.' : `Made by dray.\n\n~~~~text\n${trailers}\n~~~~`
}

function noBase(subject: string, branch: string): DrayError {
  return new DrayError('refused', `the remote has no branch ${branch}`, {
    subject,
    why: 'the pull request would be for that branch',
    hint: 'Push the branch first, or name another one: --branch NAME',
  })
}

function sameBranch(branch: string): DrayError {
  return new DrayError('refused', `${branch} is the branch of the pull request`, {
    subject: branch,
    why: 'a pull request needs two branches',
    hint: 'Check out the branch that gets the edits, or name it: --branch NAME',
  })
}
