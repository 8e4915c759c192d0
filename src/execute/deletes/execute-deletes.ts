import type { Call } from '../../lib/call.ts'
import { isFresh } from '../../lib/freshness.ts'
import { checkPruneConsistency } from '../../plan/prune/prune-consistency.ts'
import type { DeleteOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { inParallel } from '../../images/parallel.ts'
import type { PrunePorts } from '../ports.ts'
import type { RecordWriter } from '../records/record-writer.ts'
import { unattempted } from './delete-ledger.ts'
import { intentRecord, outcomeRecord, refusalRecords } from './delete-records.ts'
import { RepositoryDeletes, type RepositoryPorts } from './repository-deletes.ts'
import { TagDeletes } from './tag-deletes.ts'

const repositoriesAtOnce = 4
/** Deletes of one repository that are under way at once. */
const defaultDeletesAtOnce = 16

/**
 * Executes the deletes of a plan. The intent of each delete is recorded before it. Unless the plan
 * was made just now, each repository is read again first. Between waves of deletes, new tags and
 * some of the others are read again. A manifest that a kept one reaches is kept
 * (`conflict`), with all steps after it. Nothing is deleted in a repository that cannot be read
 * completely. Only GET, HEAD and DELETE are sent.
 * The port `ended` gets an outcome for every step, also after a failure or a stop. Each is
 * recorded, except for a delete with an unknown result: its intent stays open for the next run.
 * @throws `audit` if a record cannot be written; `malformed` if the plan does something else than
 * it shows
 */
export async function executeDeletes(
  plan: PrunePlan,
  ports: PrunePorts,
  records: RecordWriter,
  call: Call,
): Promise<void> {
  checkPruneConsistency(plan, 'the decided plan')
  await records.refusals(refusalRecords(plan))
  const repositories = plan.repositories.filter(({ steps }) => steps.length > 0)
  if (ports.stop.aborted || call.signal.aborted) {
    for (const one of repositories) ports.ended(one, notAttempted(one))
    return
  }
  const { recordedPuts, findPut } = ports
  const tagDeletes = new TagDeletes(ports.neverUntag)
  const stop = AbortSignal.any([ports.stop, records.failed])
  // an abort ends each repository by itself, with an outcome for each of its steps
  const unaborted: Call = { ...call, signal: new AbortController().signal }
  await inParallel(repositories, repositoriesAtOnce, unaborted, async (one) => {
    const deletes = new RepositoryDeletes(one, {
      inventory: await ports.inventory?.(one.repository.registry),
      store: ports.stores.target(one.repository),
      reader: ports.reader(one.repository),
      clock: ports.clock,
      usedNow: ports.usedNow?.(one.repository) ?? [],
      deletesAtOnce: ports.deletesAtOnce ?? defaultDeletesAtOnce,
      rescanFirst: () => rescanFirst(one, ports),
      stores: ports.stores,
      recordedPuts: recordedPuts && (() => recordedPuts(one.repository)),
      comesLast: ports.comesLast ?? (() => false),
      tagDeletes,
      findPut: findPut && ((digest) => findPut(one.repository, digest)),
      settled: ports.current?.(one.repository)?.settled ?? new Map(),
      stop,
      recordIntents: (steps) => records.intents(steps.map((step) => intentRecord(one, step))),
      recordOutcomes: (all) => records.outcomes(all.map((ended) => outcomeRecord(one, ended))),
      call,
    })
    ports.ended(one, await deletes.run())
  })
}

/**
 * Reads all again that was read for another run, or before a question. If the reading only took
 * long, or other repositories came first, it is enough to check the tags that are kept.
 */
function rescanFirst(
  plan: RepositoryPlan,
  { readAt, clock, current }: PrunePorts,
): ReturnType<RepositoryPorts['rescanFirst']> {
  const { referrers } = current?.(plan.repository) ?? plan
  if (readAt === undefined || referrers === 'remembered') return 'all'
  // A vendor's list lags: a kept tag may be on a manifest that is deleted.
  return isFresh(readAt, clock.now()) && plan.inventory === undefined ? 'nothing' : 'keptTags'
}

function notAttempted({ steps }: RepositoryPlan): readonly DeleteOutcome[] {
  const error = unattempted('the run was stopped')
  return steps.map(({ id, repository }) => ({ step: id, repository, result: 'notAttempted', error }))
}
