import type { Stats } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../audit/log/heartbeat.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { makeFolder, writeStreamAtomic } from '../../lib/files/atomic.ts'
import { ifThere, ioError } from '../../lib/files/io-error.ts'
import { othersWhoWriteFile } from '../../lib/files/ownership.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { maxPlanSize, parsePlanFile, planFileChunks } from '../../plan/plan-file.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteStep, PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import type { OrphanedManifest } from '../../usecases/prune/snapshot.ts'

/**
 * The plans of runs that delete, beside the audit log. If a run is killed after it deleted an
 * index, no registry shows the children any more. The next run finds them here.
 */
export class PruneState {
  readonly #log: string
  readonly #clock: Clock

  /** @param log path of the audit log */
  constructor(log: string, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  /** Saves a plan before its first delete. @throws `io`; the signal's reason. */
  async save(run: string, plan: PrunePlan, signal: AbortSignal): Promise<void> {
    await makeFolder(this.#folder, 0o700)
    await writeStreamAtomic(this.#pathOf(run), planFileChunks(plan), signal, { mode: 0o600 })
  }

  /**
   * Reads the plans of other runs. A file that is no plan, or that others can write to, is skipped.
   * A run that is alive counts too: what belongs to its deleted manifests must also be deleted.
   * @throws `io`.
   */
  async interruptedRuns(): Promise<InterruptedRuns> {
    const runs: InterruptedRun[] = []
    for (const run of await this.#runs()) {
      const plan = await this.#read(run)
      if (plan !== undefined) runs.push({ run, orphaned: listOrphaned(plan) })
    }
    return new InterruptedRuns(runs)
  }

  /**
   * Removes the plans of interrupted runs whose rest is deleted. A run that may be alive needs its
   * plan.
   * @throws `io`.
   */
  async forgetDead(runs: readonly string[]): Promise<void> {
    for (const run of runs) if (!(await isAlive(this.#log, run, this.#clock))) await this.forget(run)
  }

  /** Removes the plan of a run that leaves no orphaned manifests. @throws `io`. */
  async forget(run: string): Promise<void> {
    const path = this.#pathOf(run)
    try {
      await rm(path, { force: true })
    } catch (cause) {
      throw ioError(cause, `cannot remove ${path}`, path)
    }
  }

  get #folder(): string {
    return `${this.#log}.prunes`
  }

  #pathOf(run: string): string {
    return join(this.#folder, `${run}${suffix}`)
  }

  async #runs(): Promise<readonly string[]> {
    const names = await ifThere(readdir(this.#folder), this.#folder, noAccess)
    return (names ?? []).filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length))
  }

  async #read(run: string): Promise<PrunePlan | undefined> {
    const path = this.#pathOf(run)
    try {
      const bytes = await readFileBounded(path, maxPlanSize, { followLinks: false, check: refuseForeign })
      if (bytes === undefined) return undefined
      const plan = parsePlanFile(bytes, path)
      return plan.operation === 'prune' ? plan : undefined
    } catch (error) {
      if (isDrayError(error) && error.code !== 'io') return undefined
      throw error
    }
  }
}

const suffix = '.json'

/** A plan that cannot be read may name manifests that nothing else names. */
const noAccess =
  'Grant read access to it. Then run the command again. If no run was interrupted, you can also move it to another folder.'

/** A plan that others can change would decide what is deleted. */
function refuseForeign(stats: Stats): void {
  const why = othersWhoWriteFile(stats, process.env)
  if (why !== undefined) {
    throw new DrayError('refused', 'cannot use the saved plan of an interrupted run', {
      why,
      hint: 'Remove the write access of other users. Then run the command again.',
    })
  }
}

/** The part of a saved plan that the next run needs. The plan itself may be large. */
interface InterruptedRun {
  readonly run: string
  /** by the name of each repository that the run deletes in */
  readonly orphaned: ReadonlyMap<string, readonly OrphanedManifest[]>
}

/** The interrupted runs whose plans are saved. */
export class InterruptedRuns {
  readonly #runs: readonly InterruptedRun[]

  constructor(runs: readonly InterruptedRun[]) {
    this.#runs = runs
  }

  /** The manifests whose delete comes after another one that may be done. */
  in(repository: RepositoryName): readonly OrphanedManifest[] {
    const name = formatRepository(repository)
    const found = this.#runs.flatMap(({ orphaned }) => orphaned.get(name) ?? [])
    return [...new Map(found.map((manifest) => [manifest.digest, manifest])).values()]
  }

  /**
   * The runs whose repositories are all among these: once those are pruned, the plans are not
   * needed.
   */
  runsWithin(repositories: readonly RepositoryName[]): readonly string[] {
    const names = new Set(repositories.map(formatRepository))
    return this.#runs.flatMap(({ run, orphaned }) =>
      [...orphaned.keys()].every((name) => names.has(name)) ? [run] : [],
    )
  }
}

/** Of each repository with deletes, the manifests whose delete comes after another one. */
function listOrphaned({ repositories }: PrunePlan): InterruptedRun['orphaned'] {
  const changed = repositories.filter(({ steps }) => steps.length > 0)
  return new Map(changed.map(({ repository, steps }) => [formatRepository(repository), orphanedBy(steps)]))
}

function orphanedBy(steps: readonly DeleteStep[]): readonly OrphanedManifest[] {
  const manifests = steps.filter((step) => step.kind === 'deleteManifest')
  const byId = new Map(manifests.map((step) => [step.id, step.target.digest]))
  return manifests
    .filter(({ after }) => after.length > 0)
    .map(({ target, after, losesTags }) => ({
      digest: target.digest,
      of: after.flatMap((id) => byId.get(id) ?? []),
      tags: losesTags,
    }))
}

/**
 * Whether a part of an image that an interrupted run deleted remains. Nothing but the plan of that
 * run names it. A registry that answers 404 removes it itself.
 */
export function leavesResumed(
  { steps, others }: RepositoryPlan,
  outcomes: readonly DeleteOutcome[],
): boolean {
  const resumed = new Set(others.filter(({ role }) => role === 'orphaned').map(({ digest }) => digest))
  const isGone = new Map(
    outcomes.map(({ step, result, error }) => [
      step,
      result === 'done' || result === 'unchanged' || error?.status === 404,
    ]),
  )
  return steps.some(
    (step) => step.kind === 'deleteManifest' && resumed.has(step.target.digest) && !isGone.get(step.id),
  )
}

/** Whether a manifest remains whose delete comes after one that is done. */
export function leavesOrphans(steps: readonly DeleteStep[], outcomes: readonly DeleteOutcome[]): boolean {
  const gone = new Set(
    outcomes.flatMap(({ step, result }) => (result === 'done' || result === 'unchanged' ? [step] : [])),
  )
  return steps.some(({ id, after }) => !gone.has(id) && after.some((other) => gone.has(other)))
}
