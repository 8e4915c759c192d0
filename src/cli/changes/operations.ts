import type { OperationName } from '../../plan/plan.ts'
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
        : PlacementTypes
}[Name]

/** All operations. A command loads only its own. */
const operations: { readonly [Name in OperationName]: () => Promise<Operation<TypesOf<Name>>> } = {
  promote: () => placement(async () => (await import('./review/decide-promotions.ts')).decidePromotionsAgain),
  copy: () => placement(async () => (await import('./review/decide-promotions.ts')).decideCopiesAgain),
  tag: () => placement(async () => (await import('./review/decide-tags.ts')).decideTagsAgain),
  rollback: () => placement(async () => (await import('./review/decide-tags.ts')).decideRollbacksAgain),
  sync: async () => (await import('../sync/sync-operation.ts')).syncOperation,
  gitops: () => placement(async () => (await import('./review/decide-promotions.ts')).decidePromotionsAgain),
  bundle: async () => (await import('../bundle/apply/bundle-operation.ts')).savedBundleOperation,
  prune: async () => (await import('../prune/prune-operation.ts')).pruneOperation,
}

export async function operationNamed<Name extends OperationName>(
  name: Name,
): Promise<Operation<TypesOf<Name>>> {
  return await operations[name]()
}

async function placement(loadReview: () => Promise<DecideAgain>): Promise<Operation<PlacementTypes>> {
  return (await import('./placement-operation.ts')).placementOperation(loadReview)
}
