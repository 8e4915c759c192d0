import { DrayError } from '../../../lib/errors.ts'
import { commitFiles } from '../commits/commit-files.ts'
import { readRange } from '../commits/own-commits.ts'
import type { Git } from '../process/git.ts'
import type { PublishRequest } from '../publish-request.ts'
import { gitPath, realPathOf } from '../repository/find-repository.ts'
import { fetchBranch, nameOf, pushCommit, type RemoteBranch } from './push-commit.ts'
import type { TemporaryTree } from './temporary-tree.ts'

/**
 * Rejected pushes that may precede the last attempt. A push that lost against another run of dray
 * is not counted: each run adds one commit and ends, so that n runs lose n - 1 times at most.
 */
const maxLost = 4
/** Pushes in any case, also if each one loses against a run of dray. */
const maxAttempts = 100
/** The longest wait before the second attempt, milliseconds; it doubles each time. */
const baseWaitMs = 100
const maxWaitMs = 2_000
/**
 * Rejections of commits on top of the head of the branch. A first one may be a lock that another
 * push held; after the second, the remote forbids the push.
 */
const maxForbidden = 2

/** A push that the remote did not accept. */
export interface LostPush {
  /** the commit on top of which the pushed commit is; undefined: the branch was new */
  readonly base: string | undefined
  readonly why: string
}

interface PushJob {
  readonly tree: TemporaryTree
  readonly request: PublishRequest
  readonly to: RemoteBranch
  /** Returns the commit on which the edits are made, from the head of the branch. */
  readonly baseFor: (head: string | undefined) => Promise<string>
  /** a push that came before */
  readonly lost?: LostPush
  /** push options of the remote */
  readonly options?: readonly string[]
}

interface PushedEdits {
  /** the head of the branch */
  readonly head: string
  /** absent: the branch had the edits already */
  readonly commit?: string
  readonly attempts: number
}

/**
 * Makes the edits on the head of a branch of the remote and pushes them, again after each push that
 * loses against another one. Each attempt decides on the files of the new head.
 * @throws `refused` if the remote forbids the push; `conflict` if other pushes win each time; what
 * `editAgain` throws.
 */
export async function pushEdits(job: PushJob): Promise<PushedEdits> {
  const { tree, to } = job
  const losses = new Losses(job)
  let lost = job.lost
  for (let attempts = lost === undefined ? 0 : 1; ; attempts++) {
    if (lost !== undefined) await losses.waitAfter(attempts)
    const head = await fetchBranch(tree.git, to)
    if (lost !== undefined) await losses.count(lost, head, attempts)
    const base = await job.baseFor(head)
    const commit = await commitOn(base, job)
    if (commit === undefined && base === head) return { head, attempts }
    const tip = commit ?? base
    const rejection = await pushCommit(tree.git, tip, to, job.options)
    if (rejection === undefined)
      return { head: tip, ...(commit !== undefined && { commit }), attempts: attempts + 1 }
    lost = { base: head, why: rejection.why }
  }
}

/** Returns the commit of the edits on top of `base`; undefined if nothing is to change there. */
export async function commitOn(
  base: string,
  { tree, request }: Pick<PushJob, 'tree' | 'request'>,
): Promise<string | undefined> {
  await tree.moveTo(base)
  const edited = await request.editAgain(tree.folder)
  if (edited.length === 0) return undefined
  const root = await realPathOf(tree.git.folder)
  const names = await Promise.all(edited.map(async (path) => gitPath(root, await realPathOf(path))))
  return await commitFiles(tree.git, [...new Set(names)], request)
}

/** Decides whether another attempt can succeed. */
class Losses {
  readonly #git: Git
  readonly #job: PushJob
  #counted = 0
  #forbidden = 0

  constructor(job: PushJob) {
    this.#git = job.tree.git
    this.#job = job
  }

  /** Waits a random time, so that runs that lost at the same time do not collide again. */
  async waitAfter(attempts: number): Promise<void> {
    const { ports, call } = this.#git
    const limitMs = Math.min(maxWaitMs, baseWaitMs * 2 ** (attempts - 1))
    await ports.clock.sleep(ports.random() * limitMs, call.signal)
  }

  /** @throws `refused`, `conflict` */
  async count({ base, why }: LostPush, head: string | undefined, attempts: number): Promise<void> {
    const { to, request } = this.#job
    if (head === base) {
      this.#forbidden += 1
      if (this.#forbidden >= maxForbidden) throw forbidden(to, why, request)
      return
    }
    this.#forbidden = 0
    if (!(await this.#isWonByDray(base, head))) this.#counted += 1
    if (this.#counted > maxLost || attempts >= maxAttempts) throw lostEachTime(to, attempts, why)
  }

  async #isWonByDray(base: string | undefined, head: string | undefined): Promise<boolean> {
    if (base === undefined || head === undefined) return false
    const { byDray } = await readRange(this.#git, base, head, this.#job.request.trailers)
    return byDray > 0
  }
}

function forbidden(to: RemoteBranch, why: string, { mode }: PublishRequest): DrayError {
  return new DrayError('refused', `the remote refuses a push to ${nameOf(to)}`, {
    subject: nameOf(to),
    why,
    hint:
      mode === 'push'
        ? 'Open a pull request instead: pass --pr. A rule of the remote may protect the branch.'
        : 'Permit this user to push this branch, or delete it in the remote.',
  })
}

function lostEachTime(to: RemoteBranch, attempts: number, why: string): DrayError {
  return new DrayError('conflict', `cannot push to ${nameOf(to)}`, {
    subject: nameOf(to),
    why: `other pushes came first in all of ${attempts} attempts: ${why}`,
    hint: 'Run the command again. The branch has none of the edits yet.',
  })
}
