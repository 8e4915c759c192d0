import { DrayError } from '../../../lib/errors.ts'
import { quoteWord } from '../../../lib/quote-word.ts'
import type { GitRequest } from '../../../plan/edits/edit-step.ts'
import { type Git, splitNul } from '../process/git.ts'
import { headsPrefix, type HeadState } from './head-state.ts'

/** The branch that gets the commit, or that the pull request is for. */
export interface TargetBranch {
  readonly head: HeadState
  /** without `refs/heads/`; in the remote, if there is one */
  readonly name: string
  /** whether it is the branch that is checked out */
  readonly isCheckedOut: boolean
  /** the name or the URL of a remote; absent for `--commit` */
  readonly remote?: string
}

/**
 * Returns the branch and the remote of a request.
 * @throws `refused` for a detached HEAD without a branch, a branch without an upstream, and a
 * branch that is checked out elsewhere.
 */
export async function findTarget(
  git: Git,
  head: HeadState,
  { mode, branch }: Pick<GitRequest, 'mode' | 'branch'>,
): Promise<TargetBranch> {
  if (branch !== undefined) await checkBranchName(git, branch)
  if (branch === undefined && head.branch === undefined) throw detached(git.folder)
  if (mode === 'commit') return await localTarget(git, head, branch)
  const upstream = await upstreamOf(git, head.branch)
  if (branch === undefined) {
    if (upstream === undefined) throw noUpstream(git.folder, head.branch ?? '')
    return { head, name: upstream.branch, isCheckedOut: true, remote: upstream.remote }
  }
  const remote = upstream?.remote ?? (await defaultRemote(git))
  return { head, name: branch, isCheckedOut: (upstream?.branch ?? head.branch) === branch, remote }
}

async function localTarget(git: Git, head: HeadState, branch: string | undefined): Promise<TargetBranch> {
  const name = branch ?? head.branch ?? ''
  const isCheckedOut = name === head.branch
  if (isCheckedOut) return { head, name, isCheckedOut }
  const elsewhere = await git.line(['for-each-ref', '--format=%(worktreepath)', `${headsPrefix}${name}`])
  if (elsewhere === undefined) return { head, name, isCheckedOut }
  throw new DrayError('refused', `the branch ${name} is checked out in ${elsewhere}`, {
    subject: name,
    why: 'a commit would make that working tree out of date',
    hint: 'Run dray there.',
  })
}

/** The branch that `git push` writes to; undefined without an upstream. */
async function upstreamOf(
  git: Git,
  branch: string | undefined,
): Promise<{ readonly remote: string; readonly branch: string } | undefined> {
  if (branch === undefined) return undefined
  const config = await readConfig(git)
  const from = config.get(`branch.${branch}.remote`)
  const merge = config.get(`branch.${branch}.merge`)
  // A remote `.` means another local branch.
  if (from === undefined || from === '.' || merge?.startsWith(headsPrefix) !== true) return undefined
  const to = config.get(`branch.${branch}.pushremote`) ?? config.get('remote.pushdefault') ?? from
  return { remote: to, branch: to === from ? merge.slice(headsPrefix.length) : branch }
}

/**
 * Returns the last value of each key. Sections and names are in lower case, subsections are not.
 */
async function readConfig(git: Git): Promise<ReadonlyMap<string, string>> {
  const output = await git.read(`read the configuration of ${git.folder}`, ['config', '--list', '-z'])
  return new Map(
    splitNul(output).map((entry) => {
      const end = entry.indexOf('\n')
      return end === -1 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)]
    }),
  )
}

/** @throws `refused` if it is unknown which remote is meant. */
async function defaultRemote(git: Git): Promise<string> {
  const configured = await git.line(['config', '--get', 'remote.pushDefault'])
  if (configured !== undefined) return configured
  const output = await git.read(`list the remotes of ${git.folder}`, ['remote'])
  const names = output.toString('utf8').split('\n').slice(0, -1)
  const [only] = names
  if (only !== undefined && names.length === 1) return only
  if (names.includes('origin')) return 'origin'
  throw new DrayError('refused', `${git.folder} has no remote to push to`, {
    subject: git.folder,
    why: only === undefined ? 'it has no remote' : `it has several: ${names.join(', ')}`,
    hint:
      only === undefined
        ? 'Add one: git remote add origin URL'
        : `Choose one: git config remote.pushDefault ${quoteWord(only)}`,
  })
}

/** @throws `usage` for a name that git does not allow. */
export async function checkBranchName(git: Git, branch: string): Promise<void> {
  const { status } = await git.run(['check-ref-format', `${headsPrefix}${branch}`])
  if (status === 0 && !branch.startsWith('-') && branch !== 'HEAD') return
  throw new DrayError('usage', `${JSON.stringify(branch)} is not the name of a branch`, {
    subject: branch,
    hint: 'Correct --branch, or git.branch of the environment in dray.yaml.',
  })
}

function detached(folder: string): DrayError {
  return new DrayError('refused', `no branch is checked out in ${folder}`, {
    subject: folder,
    why: 'HEAD is detached: a commit there belongs to no branch and is lost with the next checkout',
    hint: 'Name the branch that gets the commit: --branch NAME',
  })
}

function noUpstream(folder: string, branch: string): DrayError {
  return new DrayError('refused', `the branch ${branch} has no upstream branch`, {
    subject: folder,
    why: 'it is unknown which branch of which remote gets the commit',
    hint: `Set it: git push --set-upstream origin ${quoteWord(branch)}`,
  })
}
