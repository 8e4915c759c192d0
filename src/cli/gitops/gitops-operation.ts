import type { Operation } from '../changes/operation.ts'
import { placementOperation } from '../changes/placement-operation.ts'
import type { PlacementTypes } from '../changes/placement-types.ts'
import { editingOperation } from './editing-operation.ts'
import type { EditingTypes } from './editing-types.ts'

/** A plan of `gitops` places no image: only its edits are decided again. */
const withoutPlacements: Operation<PlacementTypes> = {
  ...placementOperation(async () => {
    const { decidePromotionsAgain } = await import('../changes/review/decide-promotions.ts')
    return decidePromotionsAgain
  }),
  review: async (_plan, _flags, { context }) => {
    const now = context.clock.now()
    return { findings: { readAt: now }, startedAt: now, warnings: [], omissions: [] }
  },
}

export const gitopsOperation: Operation<EditingTypes> = {
  ...editingOperation(withoutPlacements),
  writeMetrics: async (file, facts, clock) => {
    const { writeEditMetrics } = await import('./edit-metrics.ts')
    await writeEditMetrics(file, facts, clock)
  },
}
