import type { ErrorInfo } from '../../lib/errors.ts'
import type { RunOutcome } from '../outcome.ts'
import type { Plan, StepId } from '../plan.ts'
import type { EditPlan, ValueEdit } from './edit-step.ts'

/** A plan with edits of deployment files after its tags, or with nothing else (`gitops`). */
export interface EditingPlan extends Plan {
  /** absent: no file is edited */
  readonly edits?: EditPlan
}

/** The outcome of a plan with edits. */
export interface EditingOutcome extends RunOutcome {
  /** absent: the plan has no edits */
  readonly edits?: EditOutcome
}

/** The outcome of the edits of a plan. */
export interface EditOutcome {
  /** in the order of the plan */
  readonly files: readonly FileOutcome[]
  /** the commit of the edits; absent if none was asked for, or none was made */
  readonly commit?: CommitOutcome
  /** why the edits could not be committed or pushed */
  readonly error?: ErrorInfo
}

export interface FileOutcome {
  readonly step: StepId
  /** as in the step */
  readonly file: string
  readonly status: 'edited' | 'unchanged' | 'conflict' | 'failed' | 'notAttempted'
  /** the values that were written, or that the file already has */
  readonly edits: readonly ValueEdit[]
  /** the images of the step that were not confirmed: the file does not have them */
  readonly omitted?: readonly string[]
  /** with `conflict`, `failed` and `notAttempted` */
  readonly error?: ErrorInfo
}

export interface CommitOutcome {
  /** absent: there was nothing to commit */
  readonly id?: string
  readonly branch: string
  readonly isPushed: boolean
  readonly pullRequest?: { readonly url: string; readonly isOpen: boolean }
  /** pushes, with those that were rejected */
  readonly attempts: number
}
