import type { DoneStatus, PlacementStatus } from '../plan/outcome.ts'
import type { PlacementOperation } from '../plan/plan.ts'
import type { Style } from './text/style.ts'

interface OperationTexts {
  /** after a count of images */
  readonly todo: string
  /** the status of an image */
  readonly done: string
  /** only tags change; the image is not copied */
  readonly isInPlace: boolean
  /** the plan names the release to roll back to */
  readonly hasRelease: boolean
}

export const operationTexts: Readonly<Record<PlacementOperation, OperationTexts>> = {
  promote: { todo: 'to promote', done: 'promoted', isInPlace: false, hasRelease: false },
  copy: { todo: 'to copy', done: 'copied', isInPlace: false, hasRelease: false },
  tag: { todo: 'to tag', done: 'tagged', isInPlace: true, hasRelease: false },
  rollback: { todo: 'to roll back', done: 'rolled back', isInPlace: true, hasRelease: true },
  sync: { todo: 'to sync', done: 'synced', isInPlace: false, hasRelease: false },
  bundle: { todo: 'to copy', done: 'copied', isInPlace: false, hasRelease: false },
  gitops: { todo: 'to edit', done: 'edited', isInPlace: true, hasRelease: false },
}

export const statusTexts: Readonly<
  Record<PlacementStatus, { readonly text: string; readonly tone: keyof Style }>
> = {
  promoted: { text: 'promoted', tone: 'green' },
  tagged: { text: 'tagged', tone: 'green' },
  rolledBack: { text: 'rolled back', tone: 'green' },
  synced: { text: 'copied', tone: 'green' },
  unchanged: { text: 'up to date', tone: 'dim' },
  refused: { text: 'refused', tone: 'red' },
  conflict: { text: 'conflict', tone: 'red' },
  failed: { text: 'failed', tone: 'red' },
  notAttempted: { text: 'not attempted', tone: 'yellow' },
}

export const doneStatuses: ReadonlySet<string> = new Set<DoneStatus>([
  'promoted',
  'tagged',
  'rolledBack',
  'synced',
])
