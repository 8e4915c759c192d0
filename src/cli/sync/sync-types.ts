import type { SyncOutcome } from '../../plan/sync/sync-outcome.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import type { DestinationState } from '../../usecases/sync/sync-state.ts'
import type { DeletingFindings } from '../changes/deletes/deleting-operation.ts'
import type { StateOwner } from './state/state-document.ts'
import type { SyncStates } from './state/sync-states.ts'

export interface SyncTypes {
  readonly plan: SyncPlan
  readonly findings: SyncFindings
  readonly outcome: SyncOutcome
}

export interface SyncFindings extends DeletingFindings {
  readonly states: SyncStates
  /** what to remember of each destination that was read */
  readonly pending: readonly PendingState[]
}

/** The state of a rule at a destination, before the run and after its success. */
export interface PendingState {
  readonly owner: StateOwner
  readonly before: DestinationState
  readonly after: DestinationState
}

/** The flags by which a sync decides. */
export interface SyncFlags {
  readonly evidence: boolean
  readonly attest: boolean | undefined
  readonly 'allow-missing-evidence': boolean
  readonly 'evidence-conflict': 'refuse' | 'keep' | 'replace'
  readonly 'overwrite-changed': boolean
  readonly full: boolean
  readonly verify: boolean
  readonly delete: boolean
}
