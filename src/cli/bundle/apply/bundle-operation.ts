import { DrayError } from '../../../lib/errors.ts'
import type { BundleReceipt } from '../../../plan/bundle/bundle-document.ts'
import type { Hash } from '../../../plan/plan.ts'
import { escapeText } from '../../../render/text/escape.ts'
import { isPlaced } from '../../changes/execute-placements.ts'
import type { Executed, Operation } from '../../changes/operation.ts'
import { placementOperation } from '../../changes/placement-operation.ts'
import type { PlacementTypes } from '../../changes/placement-types.ts'

/** The bundle of a run, and the receipt that the run writes. */
export interface BundleRun {
  readonly bundle: { readonly id: Hash; readonly sequence: number }
  /** for the result */
  readonly receiptFile: string
  /** Writes the receipt. Called only if everything in the bundle is at the destination. */
  readonly writeReceipt: (auditLog: string) => Promise<BundleReceipt>
}

/** A plan of a bundle is executed only by the run that has read the bundle. */
export const savedBundleOperation: Operation<PlacementTypes> = {
  ...placementOperation(async () => {
    throw applyAgain()
  }),
  review: async () => {
    throw applyAgain()
  },
}

/** The operation of one run, with its receipt. */
export function bundleOperation({ bundle, receiptFile, writeReceipt }: BundleRun): Operation<PlacementTypes> {
  let receipt: string | null = null
  return {
    ...savedBundleOperation,
    execute: async (plan, findings, isConfirmed, ports) => {
      const executed = await savedBundleOperation.execute(plan, findings, isConfirmed, ports)
      if (!isComplete(executed)) return executed
      await writeReceipt(executed.auditLog)
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

function isComplete({ outcome }: Executed<PlacementTypes>): boolean {
  return (
    outcome.refusals.length === 0 &&
    outcome.placements.every((one) => isPlaced(one) && (one.evidenceUnlisted ?? 0) === 0)
  )
}

function applyAgain(): DrayError {
  return new DrayError('refused', 'a plan of a bundle cannot be applied', {
    why: 'the content is in the bundle, and not in the plan',
    hint: 'Apply the bundle: dray bundle apply FILE --to PLACE.',
  })
}
