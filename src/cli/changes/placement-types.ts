import type { JudgeAgain } from '../../execute/tags/gate-checks.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { RunOutcome } from '../../plan/outcome.ts'
import type { PlacementId, Plan } from '../../plan/plan.ts'
import type { Reviewed } from '../../plan/review.ts'

/** A plan with the time at which the reading for it began, in milliseconds. */
export interface NewPlan {
  readonly plan: Plan
  readonly readAt: number
  /** what a person should know about the tags of the targets */
  readonly warnings?: readonly string[]
  /** evaluates its gates again; absent if no environment has gates */
  readonly judgeAgain?: JudgeAgain
}

export interface PlacementTypes {
  readonly plan: Plan
  readonly findings: PlacementFindings
  readonly outcome: RunOutcome
}

export interface PlacementFindings {
  /** when the reading for the plan or for its review began, in milliseconds */
  readonly readAt: number
  /** of a saved plan */
  readonly reviewed?: Reviewed
  /** of a saved plan: the results of today's gates, in place of those in the file */
  readonly gates?: ReadonlyMap<PlacementId, readonly GateResult[]>
  /** as in `NewPlan` */
  readonly judgeAgain?: JudgeAgain
  /**
   * Reads the registries and decides again about these images, of a plan that this run has made.
   * The placements have the ids of that plan.
   */
  readonly planAgain?: (images: ReadonlySet<string>) => Promise<NewPlan>
  /** `--verify`: plans the repair of what was placed; without steps if everything is there. */
  readonly planRepair?: (plan: Plan, placed: ReadonlySet<PlacementId>) => Promise<NewPlan>
}

/** The findings with which a plan is executed that this run has made. */
export function findingsOf({ readAt, judgeAgain }: NewPlan): PlacementFindings {
  return { readAt, ...(judgeAgain !== undefined && { judgeAgain }) }
}
