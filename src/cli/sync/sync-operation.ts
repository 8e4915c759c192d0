import type { ErrorInfo } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import { isChanged } from '../../plan/outcome.ts'
import { notExecuted, type SyncOutcome } from '../../plan/sync/sync-outcome.ts'
import { deletesOf, hasDrift, type SyncPlan } from '../../plan/sync/sync-plan.ts'
import { summarisePrune } from '../../plan/prune/prune-outcome.ts'
import { vendorName } from '../../registry/known-vendors.ts'
import { deleteQuestion } from '../../render/prune/prune-plan.ts'
import { placementQuestion } from '../../render/question.ts'
import { renderSyncOutcome } from '../../render/sync/sync-outcome.ts'
import { renderSyncPlan } from '../../render/sync/sync-plan.ts'
import type { ChangedTarget } from '../changes/justification.ts'
import type { ChangedImage, Executed, Operation } from '../changes/operation.ts'
import { placementOperation } from '../changes/placement-operation.ts'
import type { RunPart } from '../command/run-exit.ts'
import { textToConfirm } from '../prune/large-delete.ts'
import { pruneOperation } from '../prune/prune-operation.ts'
import { executeSync } from './execute-sync.ts'
import type { SyncTypes } from './sync-types.ts'

const placements = placementOperation(async () => (await import('./review/decide-sync.ts')).decideSyncAgain)

export const syncOperation: Operation<SyncTypes> = {
  hasSteps,
  hasDifferences: (plan) => hasSteps(plan) || hasDrift(plan),
  changedTargets,
  refuseAll: (plan, error) => ({
    ...plan,
    ...placements.refuseAll(plan, error),
    ...(plan.deletes !== undefined && { deletes: pruneOperation.refuseAll(plan.deletes, error) }),
    operation: 'sync',
  }),
  review: async (plan, flags, ports) => {
    const { reviewSync } = await import('./review/review-sync.ts')
    return await reviewSync(plan, flags, ports)
  },
  confirmation: { question, typedAnswer },
  execute: executeSync,
  verify: async (plan, executed, findings, ports) => {
    const verified = await placements.verify?.(plan, executed, findings, ports)
    return verified && { ...executed, verified: verified.verified === true }
  },
  withoutExecution,
  parts,
  renderPlan: renderSyncPlan,
  planDocument: ({ drift }) => ({ drift }),
  renderOutcome: (plan, outcome, page, options) =>
    renderSyncOutcome(plan, outcome, page, { ...options, vendorName }),
  imagesOf,
  hasLocked: ({ deletes }) => deletes !== undefined && pruneOperation.hasLocked?.(deletes) === true,
  failures: (plan, outcome) => [
    ...placements.failures(plan, outcome),
    ...(plan.deletes === undefined || outcome.deletes === undefined
      ? []
      : [
          ...outcome.deletes.refusals.map(refusalOf),
          ...pruneOperation.failures(plan.deletes, outcome.deletes),
        ]),
  ],
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
    await writeSyncMetrics(file, { plan, outcome: withoutExecution(plan) }, clock)
  },
}

function hasSteps(plan: SyncPlan): boolean {
  const deletes = deletesOf(plan)
  return plan.steps.length > 0 || (deletes !== undefined && pruneOperation.hasSteps(deletes))
}

/** The environments of which the justification is checked: those that the plan writes to. */
function changedTargets(plan: SyncPlan): readonly ChangedTarget[] {
  const changing = new Set(plan.steps.map(({ placement }) => placement))
  const deletes = deletesOf(plan)
  return [
    ...plan.placements.flatMap(({ id, to }) => (changing.has(id) ? [to] : [])),
    ...(deletes === undefined ? [] : pruneOperation.changedTargets(deletes)),
  ]
}

function question(plan: SyncPlan): string {
  const deletes = deletesOf(plan)
  const deleting = deletes !== undefined && pruneOperation.hasSteps(deletes) ? deleteQuestion(deletes) : ''
  if (plan.steps.length === 0) return deleting
  return [placementQuestion(plan), deleting].filter((text) => text !== '').join(' ')
}

function typedAnswer(plan: SyncPlan): string | undefined {
  const deletes = deletesOf(plan)
  return deletes === undefined ? undefined : textToConfirm(deletes)
}

function withoutExecution(plan: SyncPlan): SyncOutcome {
  const deletes = deletesOf(plan)
  return {
    ...notExecuted(plan),
    ...(deletes !== undefined && { deletes: summarisePrune(deletes, new Map()) }),
  }
}

/**
 * A destination that is in sync makes a run with problems elsewhere a run that is partly done, as
 * an image does that is at its target.
 */
function parts(outcome: SyncOutcome): readonly RunPart[] {
  const { deletes, inSync } = outcome
  return [
    ...placements.parts(outcome),
    ...(inSync > 0 ? [{ problem: undefined, countsAsDone: true }] : []),
    ...(deletes === undefined ? [] : pruneOperation.parts(deletes)),
    ...(deletes?.refusals ?? []).map((): RunPart => ({ problem: 'refused', countsAsDone: false })),
  ]
}

function refusalOf({ repository, error }: NonNullable<SyncOutcome['deletes']>['refusals'][number]): {
  readonly image?: string
  readonly error: ErrorInfo
} {
  return { ...(repository !== undefined && { image: formatRepository(repository) }), error }
}

function imagesOf(plan: SyncPlan, executed?: Executed<SyncTypes>): readonly ChangedImage[] {
  const { deletes } = plan
  const outcome = executed?.outcome.deletes
  const isDeleting = deletesOf(plan) !== undefined && (executed === undefined || outcome !== undefined)
  return [
    ...placements.imagesOf(plan, executed),
    ...(deletes === undefined || !isDeleting
      ? []
      : pruneOperation.imagesOf(deletes, executed && outcome && { ...executed, outcome, plan: deletes })),
  ]
}

function outcomeDocument(plan: SyncPlan, outcome: SyncOutcome): object {
  const { deletes, undeleted } = outcome
  return {
    rules: plan.rules.map(({ name }) => name),
    ...placements.outcomeDocument(plan, outcome),
    changed: outcome.placements.filter(isChanged).length,
    drift: plan.drift,
    ...(plan.deletes !== undefined &&
      deletes !== undefined && { deletes: pruneOperation.outcomeDocument(plan.deletes, deletes) }),
    ...(undeleted.length > 0 && { undeleted }),
  }
}
