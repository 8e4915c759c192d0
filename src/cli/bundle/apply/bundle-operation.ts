import { DrayError } from '../../../lib/errors.ts'
import type { BundleReceipt } from '../../../plan/bundle/bundle-document.ts'
import { hashOfPlan, keepSavedHash } from '../../../plan/plan-hash.ts'
import type { Hash, StepId } from '../../../plan/plan.ts'
import { vendorName } from '../../../registry/known-vendors.ts'
import { renderOutcome } from '../../../render/outcome.ts'
import { renderPlan } from '../../../render/plan.ts'
import { renderDeletesDone, renderPlannedDeletes } from '../../../render/prune/deletes-after-copies.ts'
import { escapeText } from '../../../render/text/escape.ts'
import {
  deletingOperation,
  type DeletingTypes,
  refuseAll,
  withoutExecution,
} from '../../changes/deletes/deleting-operation.ts'
import { executeDeletes } from '../../changes/deletes/execute-deletes.ts'
import { executePlacements, isPlaced } from '../../changes/execute-placements.ts'
import type { Executed, Operation } from '../../changes/operation.ts'
import { placementOperation } from '../../changes/placement-operation.ts'
import type { PlacementTypes } from '../../changes/placement-types.ts'

/** The bundle of a run, and the receipt that the run writes. */
export interface BundleRun {
  readonly bundle: { readonly id: Hash; readonly sequence: number }
  /** for the result */
  readonly receiptFile: string
  /** Writes the receipt. Called only if everything in the bundle is at the destination. */
  readonly writeReceipt: (auditLog: string, deleted: ReadonlySet<StepId>) => Promise<BundleReceipt>
}

const placements = placementOperation(async () => {
  throw applyAgain()
})

/** A plan of a bundle is executed only by the run that has read the bundle. */
export const savedBundleOperation: Operation<DeletingTypes> = {
  ...deletingOperation(placements),
  refuseAll: (plan, error) => refuseAll(placements, plan, error),
  onlyRefusal: (plan) => (plan.deletes === undefined ? placements.onlyRefusal?.(plan) : undefined),
  review: async () => {
    throw applyAgain()
  },
  // It has only refusals, which the audit log records.
  execute: async (plan, findings, isConfirmed, ports) => {
    const placed = await executePlacements(plan, findings, isConfirmed, ports)
    return { ...placed, outcome: { ...placed.outcome, undeleted: [] } }
  },
  withoutExecution,
  renderPlan: (plan, page, { all, configuration }) =>
    [renderPlan(plan, page, configuration), ...renderPlannedDeletes(plan, page, { all })].join('\n\n'),
  renderOutcome: (plan, outcome, page, options) =>
    [
      renderOutcome(plan, outcome, page),
      ...renderDeletesDone(plan, outcome, page, { ...options, vendorName }),
    ].join('\n'),
  ciReport: async (plan, outcome, hash) => {
    const { bundleReport } = await import('../../../render/bundle/bundle-ci.ts')
    return bundleReport(plan, outcome, hash)
  },
}

/** The operation of one run, with its receipt. */
export function bundleOperation({ bundle, receiptFile, writeReceipt }: BundleRun): Operation<DeletingTypes> {
  let receipt: string | null = null
  return {
    ...savedBundleOperation,
    execute: async (given, findings, isConfirmed, ports) => {
      const placed = await executePlacements(given, findings, isConfirmed, ports)
      const plan = { ...given, ...placed.plan }
      keepSavedHash(plan, hashOfPlan(given))
      const deletes = {
        plan,
        outcome: placed.outcome,
        incomplete: new Set<string>(),
        findings: findings?.deletes,
      }
      const deleted = await executeDeletes(deletes, isConfirmed, ports)
      const executed: Executed<DeletingTypes> = {
        ...placed,
        outcome: { ...placed.outcome, undeleted: [], ...deleted.outcome },
        ...(deleted.steps !== undefined && { deleted: deleted.steps }),
        plan,
      }
      if (!isComplete(placed)) return executed
      await writeReceipt(placed.auditLog, deleted.steps ?? new Set())
      receipt = receiptFile
      ports.terminal.say(`Receipt: ${escapeText(receiptFile)}`)
      return executed
    },
    planDocument: () => ({ bundle }),
    outcomeDocument: (plan, outcome) => ({
      ...savedBundleOperation.outcomeDocument(plan, outcome),
      bundle,
      receipt,
    }),
  }
}

/** The deletes do not count: what they leave is in the receipt. */
function isComplete({ outcome }: Executed<PlacementTypes>): boolean {
  return (
    outcome.refusals.length === 0 &&
    outcome.placements.every((one) => isPlaced(one) && (one.evidenceUnlisted ?? 0) === 0)
  )
}

/** The error for a plan of a bundle without the bundle. */
function applyAgain(): DrayError {
  return new DrayError('refused', 'a plan of a bundle cannot be applied', {
    why: 'the content is in the bundle, and not in the plan',
    hint: 'Apply the bundle: dray bundle apply FILE --to PLACE.',
  })
}
