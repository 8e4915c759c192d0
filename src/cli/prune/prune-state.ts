import type { Stats } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../audit/log/heartbeat.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { makeFolder, writeFileAtomic } from '../../lib/files/atomic.ts'
import { ifThere, ioError } from '../../lib/files/io-error.ts'
import { othersWhoWriteFile } from '../../lib/files/ownership.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { formatPlanFile, maxPlanSize, parsePlanFile } from '../../plan/plan-file.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { DeleteManifestStep, PrunePlan } from '../../plan/prune/prune-plan.ts'
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

  /** Saves a plan before its first delete. @throws `io`. */
  async save(run: string, plan: PrunePlan): Promise<void> {
    await makeFolder(this.#folder, 0o700)
    await writeFileAtomic(this.#pathOf(run), formatPlanFile(plan), { mode: 0o600 })
  }

  /**
   * Reads the plans of other runs. A file that is no plan, or that others can write to, is skipped.
   * A run that is alive counts too: what belongs to its deleted manifests must also be deleted.
   * @throws `io`.
   */
  async interruptedRuns(): Promise<InterruptedRuns> {
    const plans: SavedPlan[] = []
    for (const run of await this.#runs()) {
      const plan = await this.#read(run)
      if (plan !== undefined) plans.push({ run, plan })
    }
    return new InterruptedRuns(plans)
  }

  /** Ends a run. Its plan is kept only if manifests are orphaned. @throws `io`. */
  async end(run: string, plan: PrunePlan, outcomes: readonly DeleteOutcome[]): Promise<void> {
    if (!leavesOrphans(plan, outcomes)) await this.#forget(run)
  }

  /**
   * Removes the plans of interrupted runs whose rest is deleted. A run that may be alive needs its
   * plan.
   * @throws `io`.
   */
  async forgetDead(runs: readonly string[]): Promise<void> {
    for (const run of runs) if (!(await isAlive(this.#log, run, this.#clock))) await this.#forget(run)
  }

  async #forget(run: string): Promise<void> {
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
  'Restore read access to it, or move it away if no run was interrupted. Then run the command again.'

/** A plan that others can change would decide what is deleted. */
function refuseForeign(stats: Stats): void {
  const why = othersWhoWriteFile(stats, process.env)
  if (why !== undefined) throw new DrayError('refused', 'cannot use the saved plan', { why })
}

interface SavedPlan {
  readonly run: string
  readonly plan: PrunePlan
}

/** The saved plans of interrupted runs. */
export class InterruptedRuns {
  readonly #plans: readonly SavedPlan[]

  constructor(plans: readonly SavedPlan[]) {
    this.#plans = plans
  }

  /** The manifests whose delete comes after another one that may be done. */
  in(repository: RepositoryName): readonly OrphanedManifest[] {
    const name = formatRepository(repository)
    const found = new Map<Digest, OrphanedManifest>()
    for (const { plan } of this.#plans) {
      for (const one of plan.repositories) {
        if (formatRepository(one.repository) !== name) continue
        for (const manifest of listOrphaned(one.steps.filter((step) => step.kind === 'deleteManifest')))
          found.set(manifest.digest, manifest)
      }
    }
    return [...found.values()]
  }

  /**
   * The runs whose repositories are all among these: once those are pruned, the plans are not
   * needed.
   */
  runsWithin(repositories: readonly RepositoryName[]): readonly string[] {
    const names = new Set(repositories.map(formatRepository))
    return this.#plans.flatMap(({ run, plan }) => {
      const own = plan.repositories.filter(({ steps }) => steps.length > 0)
      return own.every(({ repository }) => names.has(formatRepository(repository))) ? [run] : []
    })
  }
}

function listOrphaned(steps: readonly DeleteManifestStep[]): readonly OrphanedManifest[] {
  const byId = new Map(steps.map((step) => [step.id, step.target.digest]))
  return steps
    .filter(({ after }) => after.length > 0)
    .map(({ target, after, losesTags }) => ({
      digest: target.digest,
      of: after.flatMap((id) => byId.get(id) ?? []),
      tags: losesTags,
    }))
}

/** Whether a manifest remains whose delete comes after one that is done. */
function leavesOrphans(plan: PrunePlan, outcomes: readonly DeleteOutcome[]): boolean {
  const isGone = new Set(
    outcomes.flatMap(({ step, repository, result }) =>
      result === 'done' || result === 'unchanged' ? [`${formatRepository(repository)} ${step}`] : [],
    ),
  )
  return plan.repositories.some(({ repository, steps }) => {
    const gone = (id: string): boolean => isGone.has(`${formatRepository(repository)} ${id}`)
    return steps.some(({ id, after }) => !gone(id) && after.some(gone))
  })
}
