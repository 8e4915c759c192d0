import type { OperationName } from '../../plan/plan.ts'
import type { EditingTypes } from '../gitops/editing-types.ts'
import type { PruneTypes } from '../prune/prune-types.ts'
import type { SyncTypes } from '../sync/sync-types.ts'
import type { DeletingTypes } from './deletes/deleting-operation.ts'
import type { Operation } from './operation.ts'
import type { PlacementTypes } from './placement-types.ts'
import type { DecideAgain } from './review/review-plan.ts'

/** The types of each operation. */
export type TypesOf<Name extends OperationName> = {
  readonly [Key in OperationName]: Key extends 'prune'
    ? PruneTypes
    : Key extends 'sync'
      ? SyncTypes
      : Key extends 'bundle'
        ? DeletingTypes
        : Key extends 'gitops'
          ? EditingTypes
          : PlacementTypes
}[Name]

/** All operations. A command loads only its own. */
const operations: { readonly [Name in OperationName]: () => Promise<Operation<TypesOf<Name>>> } = {
  promote: () => placement(async () => (await import('./review/decide-promotions.ts')).decidePromotionsAgain),
  copy: () => placement(async () => (await import('./review/decide-promotions.ts')).decideCopiesAgain),
  tag: () => placement(async () => (await import('./review/decide-tags.ts')).decideTagsAgain),
  rollback: () => placement(async () => (await import('./review/decide-tags.ts')).decideRollbacksAgain),
  sync: async () => (await import('../sync/sync-operation.ts')).syncOperation,
  gitops: async () => (await import('../gitops/gitops-operation.ts')).gitopsOperation,
  bundle: async () => (await import('../bundle/apply/bundle-operation.ts')).savedBundleOperation,
  prune: async () => (await import('../prune/prune-operation.ts')).pruneOperation,
}

/** @param plan if it has edits of deployment files, the operation executes them after its tags */
export async function operationNamed<Name extends OperationName>(
  name: Name,
  plan: object = {},
): Promise<Operation<TypesOf<Name>>> {
  const operation = await operations[name]()
  if (!('edits' in plan) || name === 'gitops') return operation
  const { editingOperation } = await import('../gitops/editing-operation.ts')
  // Only plans with placements have this key.
  const placing = operation as unknown as Operation<PlacementTypes>
  return editingOperation(placing) as unknown as Operation<TypesOf<Name>>
}

async function placement(loadReview: () => Promise<DecideAgain>): Promise<Operation<PlacementTypes>> {
  return (await import('./placement-operation.ts')).placementOperation(loadReview)
}
