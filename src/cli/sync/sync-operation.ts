import { countInSync, type SyncOutcome } from '../../plan/sync/sync-outcome.ts'
import { isChanged } from '../../plan/outcome.ts'
import { hasDrift, type SyncPlan } from '../../plan/sync/sync-plan.ts'
import { vendorName } from '../../registry/known-vendors.ts'
import { renderSyncOutcome } from '../../render/sync/sync-outcome.ts'
import { renderSyncPlan } from '../../render/sync/sync-plan.ts'
import { deletingOperation, refuseAll, withoutExecution } from '../changes/deletes/deleting-operation.ts'
import type { Operation } from '../changes/operation.ts'
import { placementOperation } from '../changes/placement-operation.ts'
import type { RunPart } from '../command/run-exit.ts'
import { executeSync } from './execute-sync.ts'
import type { SyncTypes } from './sync-types.ts'

const placements = placementOperation(async () => (await import('./review/decide-sync.ts')).decideSyncAgain)
const shared = deletingOperation(placements)

export const syncOperation: Operation<SyncTypes> = {
  ...shared,
  hasDifferences: (plan) => shared.hasSteps(plan) || hasDrift(plan),
  refuseAll: (plan, error) => refuseAll(placements, plan, error),
  review: async (plan, flags, ports) => {
    const { reviewSync } = await import('./review/review-sync.ts')
    return await reviewSync(plan, flags, ports)
  },
  execute: executeSync,
  verify: async (plan, executed, findings, ports) => {
    const verified = await placements.verify?.(plan, executed, findings, ports)
    return verified && { ...executed, verified: verified.verified === true }
  },
  withoutExecution: notExecuted,
  parts,
  renderPlan: renderSyncPlan,
  planDocument: ({ drift }) => ({ drift }),
  renderOutcome: (plan, outcome, page, options) =>
    renderSyncOutcome(plan, outcome, page, { ...options, vendorName }),
  outcomeDocument,
  ciReport: async (plan, outcome, hash) => {
    const { syncReport } = await import('../../render/sync/sync-ci.ts')
    return syncReport(plan, outcome, hash)
  },
  writeMetrics: async (file, facts, clock) => {
    const { writeSyncMetrics } = await import('./sync-metrics.ts')
    await writeSyncMetrics(file, facts, clock)
  },
  writePlanMetrics: async (file, plan, clock) => {
    const { writeSyncMetrics } = await import('./sync-metrics.ts')
    await writeSyncMetrics(file, { plan, outcome: notExecuted(plan) }, clock)
  },
}

/** The outcome of a plan of which no step was executed. */
function notExecuted(plan: SyncPlan): SyncOutcome {
  return { ...withoutExecution(plan), inSync: countInSync(plan) }
}

/**
 * A destination that is in sync makes a run with problems elsewhere a run that is partly done, as
 * an image does that is at its target.
 */
function parts(outcome: SyncOutcome): readonly RunPart[] {
  return [
    ...shared.parts(outcome),
    ...(outcome.inSync > 0 ? [{ problem: undefined, countsAsDone: true }] : []),
  ]
}

function outcomeDocument(plan: SyncPlan, outcome: SyncOutcome): object {
  return {
    rules: plan.rules.map(({ name }) => name),
    ...shared.outcomeDocument(plan, outcome),
    changed: outcome.placements.filter(isChanged).length,
    drift: plan.drift,
  }
}
