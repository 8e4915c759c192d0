import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { hashOfPlan, keepSavedHash } from '../../plan/plan-hash.ts'
import type { RunOutcome } from '../../plan/outcome.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import { countInSync } from '../../plan/sync/sync-outcome.ts'
import { deletesOf, type SyncPlan } from '../../plan/sync/sync-plan.ts'
import { executePlacements, isPlaced } from '../changes/execute-placements.ts'
import type { ChangePorts, Executed } from '../changes/operation.ts'
import { beginStates, recordStates } from './record-states.ts'
import type { SyncFindings, SyncTypes } from './sync-types.ts'

/**
 * Executes a sync: copies and tags first, then the deletes in repositories in which every copy and
 * tag succeeded.
 */
export async function executeSync(
  given: SyncPlan,
  findings: SyncFindings | undefined,
  isConfirmed: boolean,
  ports: ChangePorts,
): Promise<Executed<SyncTypes>> {
  const { states, pending = [] } = findings ?? {}
  const begun = states === undefined ? [] : await beginStates(states, pending, given, ports.call)
  const placed = await executePlacements(given, findings, isConfirmed, ports)
  const plan: SyncPlan = { ...given, ...placed.plan, operation: 'sync' }
  keepSavedHash(plan, hashOfPlan(given))
  if (states !== undefined) await recordStates(states, begun, { plan, outcome: placed.outcome }, ports.call)
  const deleted = await executeDeletes(plan, placed.outcome, findings, isConfirmed, ports)
  return {
    ...placed,
    outcome: { ...placed.outcome, undeleted: [], inSync: countInSync(plan), ...deleted.outcome },
    ...(deleted.steps !== undefined && { deleted: deleted.steps }),
    plan,
  }
}

interface ExecutedDeletes {
  readonly outcome?: Pick<SyncTypes['outcome'], 'deletes' | 'undeleted'>
  readonly steps?: Executed<SyncTypes>['deleted']
}

async function executeDeletes(
  plan: SyncPlan,
  outcome: RunOutcome,
  findings: SyncFindings | undefined,
  isConfirmed: boolean,
  ports: ChangePorts,
): Promise<ExecutedDeletes> {
  const deletes = deletesOf(plan)
  if (deletes === undefined || findings?.deletes === undefined || ports.stop.aborted) return {}
  const { allowed, undeleted } = limitDeletes(deletes, plan, outcome)
  keepSavedHash(allowed, hashOfPlan(plan))
  const { pruneOperation } = await import('../prune/prune-operation.ts')
  const done = await pruneOperation.execute(allowed, findings.deletes, isConfirmed, ports)
  return {
    outcome: { deletes: done.outcome, undeleted },
    ...(done.deleted !== undefined && { steps: done.deleted }),
  }
}

/** Removes the deletes of repositories in which something did not succeed. Pure. */
function limitDeletes(
  deletes: PrunePlan,
  plan: SyncPlan,
  outcome: RunOutcome,
): { readonly allowed: PrunePlan; readonly undeleted: readonly RepositoryName[] } {
  const incomplete = incompleteRepositories(plan, outcome)
  const isIncomplete = ({ repository }: PrunePlan['repositories'][number]): boolean =>
    incomplete.has(formatRepository(repository))
  return {
    allowed: {
      ...deletes,
      repositories: deletes.repositories.map((one) => (isIncomplete(one) ? { ...one, steps: [] } : one)),
    },
    undeleted: deletes.repositories
      .filter((one) => isIncomplete(one) && one.steps.length > 0)
      .map(({ repository }) => repository),
  }
}

/** Destinations that were not read, or in which a placement did not succeed. */
function incompleteRepositories({ placements, drift }: SyncPlan, outcome: RunOutcome): ReadonlySet<string> {
  const placed = new Set(outcome.placements.filter(isPlaced).map(({ placement }) => placement))
  return new Set([
    ...placements.flatMap(({ id, to }) => (placed.has(id) ? [] : [formatRepository(to.repository)])),
    ...drift.flatMap(({ to, error, tags }) =>
      error !== undefined || tags.some(({ state }) => state === 'changed') ? [formatRepository(to)] : [],
    ),
  ])
}
