import type { Call } from '../../lib/call.ts'
import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import { checkPruneConsistency } from '../../plan/prune/prune-consistency.ts'
import type { StepId } from '../../plan/plan.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { inParallel } from '../../images/parallel.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { Repositories } from '../../images/ports.ts'
import { type Settled, unattempted } from './delete-ledger.ts'
import { PruneRecords, type RecordPorts } from './prune-records.ts'
import { RepositoryPruning } from './repository-pruning.ts'

/** Repositories that are pruned side by side. */
const repositoriesAtOnce = 4
/** Deletes of one repository under way at once. */
const defaultDeletesAtOnce = 16
/** What a plan has read counts as read just before its deletes for so long. */
const momentMs = 2_000

/** A repository of a saved plan as its review found it. */
export interface CurrentRepository extends Pick<RepositoryPlan, 'referrers'> {
  /** steps that are not executed, with the outcome that they get */
  readonly settled: ReadonlyMap<StepId, Settled>
}

export interface PrunePorts extends RecordPorts {
  readonly stores: Repositories
  /** Reads the repository whole; it may know manifests of earlier readings. */
  readonly reader: (repository: RepositoryName) => RepositoryReader
  /** aborted: nothing more is deleted; what is under way ends */
  readonly stop: AbortSignal
  /** The plan was made a moment ago, and neither a question nor a file has stood between. */
  readonly plannedJustNow: boolean
  /** when the reading for the plan began, ms; without it the plan is never of this moment */
  readonly readSince?: number
  /** what something runs by now, beside what the plan knows of: asked again where time has passed since the plan */
  readonly usedNow?: (repository: RepositoryName) => readonly TagOrDigest[]
  /** of a saved plan: what its review found of a repository */
  readonly current?: (repository: RepositoryName) => CurrentRepository | undefined
  /** of one repository under way at once; 16 where it is not given */
  readonly deletesAtOnce?: number
}

/**
 * Carries a plan to delete out. All intents are on record before the first delete anywhere. In each repository all is read anew first, and again between
 * waves of deletes: what something reaches that is not to be deleted stays (`conflict`), with all that comes after it. A repository that cannot be read whole
 * loses nothing. Only GET, HEAD and DELETE are sent. Resolves with an outcome for every step, also after a failure or a stop.
 * Each is on record, but that of a delete of which nobody saw what became of it: its intent stays open for the next run.
 * @throws `audit` where a record cannot be written; what was under way is ended first. `malformed` for a plan that does something else than it shows.
 */
export async function executePrune(
  plan: PrunePlan,
  ports: PrunePorts,
  call: Call,
): Promise<readonly DeleteOutcome[]> {
  checkPruneConsistency(plan, 'what was decided')
  const records = new PruneRecords(plan, ports)
  await records.refusals()
  const repositories = plan.repositories.filter(({ steps }) => steps.length > 0)
  if (ports.stop.aborted || call.signal.aborted) return repositories.flatMap(notBegun)
  await records.intents()
  const stop = AbortSignal.any([ports.stop, records.failed])
  // an abort ends each repository by itself, with an outcome for each of its steps
  const unaborted: Call = { ...call, signal: new AbortController().signal }
  const outcomes = await inParallel(repositories, repositoriesAtOnce, unaborted, async (one) => {
    const pruning = new RepositoryPruning(one, {
      store: ports.stores.target(one.repository),
      reader: ports.reader(one.repository),
      usedNow: ports.usedNow?.(one.repository) ?? [],
      deletesAtOnce: ports.deletesAtOnce ?? defaultDeletesAtOnce,
      isOfThisMoment: isOfThisMoment(one, ports),
      settled: ports.current?.(one.repository)?.settled ?? new Map(),
      stop,
      record: (ended) => records.outcomes(one, ended),
      call,
    })
    return await pruning.run()
  })
  return outcomes.flat()
}

/** Asked when a repository begins: the last of many may begin long after the plan. */
function isOfThisMoment(plan: RepositoryPlan, ports: PrunePorts): boolean {
  const { plannedJustNow, readSince, clock } = ports
  const { referrers } = ports.current?.(plan.repository) ?? plan
  return (
    plannedJustNow && referrers === 'read' && readSince !== undefined && clock.now() - readSince <= momentMs
  )
}

function notBegun({ steps }: RepositoryPlan): readonly DeleteOutcome[] {
  const error = unattempted('the run was stopped')
  return steps.map(({ id, repository }) => ({ step: id, repository, result: 'notAttempted', error }))
}
