import { formatRepository } from '../../oci/reference.ts'
import { hashOfPlan, keepSavedHash } from '../../plan/plan-hash.ts'
import { countInSync } from '../../plan/sync/sync-outcome.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { executeDeletes } from '../changes/deletes/execute-deletes.ts'
import { executePlacements } from '../changes/execute-placements.ts'
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
  const deleted = await executeDeletes(
    {
      plan,
      outcome: placed.outcome,
      incomplete: incompleteRepositories(plan),
      findings: findings?.deletes,
    },
    isConfirmed,
    ports,
  )
  return {
    ...placed,
    outcome: { ...placed.outcome, undeleted: [], inSync: countInSync(plan), ...deleted.outcome },
    ...(deleted.steps !== undefined && { deleted: deleted.steps }),
    plan,
  }
}

/** Destinations that were not read, or have a tag that another client changed. */
function incompleteRepositories({ drift }: SyncPlan): ReadonlySet<string> {
  return new Set(
    drift.flatMap(({ to, error, tags }) =>
      error !== undefined || tags.some(({ state }) => state === 'changed') ? [formatRepository(to)] : [],
    ),
  )
}
