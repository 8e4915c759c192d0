import { DrayError } from '../../../lib/errors.ts'
import { explainGit, type Git } from '../process/git.ts'
import { redactUrls } from '../process/redact-urls.ts'
import { headsPrefix } from '../repository/head-state.ts'

/** A branch of a remote. */
export interface RemoteBranch {
  /** a name or a URL */
  readonly remote: string
  /** without `refs/heads/` */
  readonly branch: string
}

/** Why a remote did not accept a commit. */
interface Rejection {
  /** the reason of git, and the output of the remote; unescaped */
  readonly why: string
}

/**
 * Pushes a commit to a branch, never with force, and nothing else. Returns undefined if the remote
 * accepts it.
 * @param options push options of the remote
 * @throws `refused` if a hook refuses; `unavailable` if the remote cannot be reached.
 */
export async function pushCommit(
  git: Git,
  commit: string,
  to: RemoteBranch,
  options: readonly string[] = [],
): Promise<Rejection | undefined> {
  const result = await git.run(
    [
      'push',
      '--porcelain',
      '--no-follow-tags',
      '--recurse-submodules=no',
      ...options.map((option) => `--push-option=${option}`),
      '--',
      to.remote,
      `${commit}:${headsPrefix}${to.branch}`,
    ],
    { kind: 'network' },
  )
  if (result.status === 0) return undefined
  const reason = rejectionOf(result.stdout.toString('utf8'))
  if (reason !== undefined) return { why: [reason, result.stderr].filter(Boolean).join('\n') }
  // Git ends with 1 if a hook of this clone refuses, and with 128 without a connection.
  throw new DrayError(result.status === 1 ? 'refused' : 'unavailable', `cannot push to ${nameOf(to)}`, {
    subject: redactUrls(to.remote),
    why: explainGit(result),
    hint: 'Correct that and run the command again. dray then pushes the commit.',
  })
}

/** The lines of git-push(1), "OUTPUT": flag, refs, and summary with the reason, between tabs. */
function rejectionOf(output: string): string | undefined {
  const line = output.split('\n').find((one) => one.startsWith('!\t'))
  return line?.split('\t').slice(2).join(' ')
}

/** `main of origin` */
export function nameOf({ remote, branch }: RemoteBranch): string {
  return `${branch} of ${redactUrls(remote)}`
}

/**
 * Fetches a branch and returns its commit, or undefined if the remote has no such branch.
 * @param git in a working tree of its own, whose FETCH_HEAD no other process writes
 * @throws `unavailable` if the remote cannot be reached.
 */
export async function fetchBranch(git: Git, from: RemoteBranch): Promise<string | undefined> {
  const ref = `${headsPrefix}${from.branch}`
  const args = ['fetch', '--quiet', '--no-tags', '--recurse-submodules=no', '--', from.remote, ref]
  const result = await git.run(args, { kind: 'network' })
  if (result.status === 0)
    return await git.readId(`read ${nameOf(from)}`, ['rev-parse', 'FETCH_HEAD^{commit}'])
  const commit = await readRemoteHead(git, from)
  if (commit === undefined) return undefined
  throw new DrayError('unavailable', `cannot fetch ${nameOf(from)}`, {
    subject: redactUrls(from.remote),
    why: explainGit(result),
  })
}

/** Returns the commit of a branch in the remote, or undefined if it has no such branch. */
export async function readRemoteHead(git: Git, of: RemoteBranch): Promise<string | undefined> {
  const ref = `${headsPrefix}${of.branch}`
  const result = await git.run(['ls-remote', '--', of.remote, ref], { kind: 'network' })
  if (result.status !== 0)
    throw new DrayError('unavailable', `cannot read the branches of ${redactUrls(of.remote)}`, {
      subject: redactUrls(of.remote),
      why: explainGit(result),
    })
  const lines = result.stdout.toString('utf8').split('\n')
  // A pattern also matches the end of a longer name.
  return lines.map((line) => line.split('\t')).find(([, name]) => name === ref)?.[0]
}
