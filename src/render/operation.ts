import type { DoneStatus } from '../plan/outcome.ts'
import type { PlacementOperation } from '../plan/plan.ts'

/** How an operation is called: before it, and once it is done. */
export const operationWords: Readonly<
  Record<PlacementOperation, { readonly todo: string; readonly done: string }>
> = {
  promote: { todo: 'To promote:', done: 'promoted' },
  copy: { todo: 'To copy:', done: 'copied' },
  tag: { todo: 'To tag:', done: 'tagged' },
  rollback: { todo: 'To roll back:', done: 'rolled back' },
}

/** Whether an operation leaves the image where it is, and moves tags alone. */
export function isInPlace(operation: PlacementOperation): boolean {
  return operation === 'tag' || operation === 'rollback'
}

export const doneStatuses: ReadonlySet<string> = new Set<DoneStatus>(['promoted', 'tagged', 'rolledBack'])
