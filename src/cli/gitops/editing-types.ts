import type { EditingOutcome, EditingPlan } from '../../plan/edits/editing-plan.ts'
import type { PlacementFindings } from '../changes/placement-types.ts'
import type { EditFindings } from './plan-edits.ts'

/** The types of an operation that places images or their tags, and then edits files. */
export interface EditingTypes {
  readonly plan: EditingPlan
  readonly findings: EditingFindings
  readonly outcome: EditingOutcome
}

export interface EditingFindings extends PlacementFindings {
  readonly edits?: EditFindings
}
