import type { ErrorInfo } from '../../../lib/errors.ts'
import { formatRepository } from '../../../oci/reference.ts'
import { summarise } from '../../../plan/outcome.ts'
import { type DeletingOutcome, type DeletingPlan, deletesOf } from '../../../plan/prune/deleting-plan.ts'
import { summarisePrune } from '../../../plan/prune/prune-outcome.ts'
import { deleteQuestion } from '../../../render/prune/prune-plan.ts'
import { placementQuestion } from '../../../render/question.ts'
import type { RunPart } from '../../command/run-exit.ts'
import { textToConfirm } from '../../prune/large-delete.ts'
import { pruneOperation } from '../../prune/prune-operation.ts'
import type { PruneFindings } from '../../prune/prune-types.ts'
import type { ChangedTarget } from '../justification.ts'
import type { ChangedImage, Executed, Failure, Operation } from '../operation.ts'
import type { PlacementFindings, PlacementTypes } from '../placement-types.ts'

/** The types of an operation that copies first, and then deletes. */
export interface DeletingTypes {
  readonly plan: DeletingPlan
  readonly findings: DeletingFindings
  readonly outcome: DeletingOutcome
}

export interface DeletingFindings extends PlacementFindings {
  /** of the deletes that the plan executes */
  readonly deletes?: PruneFindings
}

type Shared =
  | 'hasSteps'
  | 'changedTargets'
  | 'confirmation'
  | 'parts'
  | 'imagesOf'
  | 'hasLocked'
  | 'failures'
  | 'outcomeDocument'

/** Returns the parts of an operation that are about its copies and then its deletes. */
export function deletingOperation(
  placements: Operation<PlacementTypes>,
): Pick<Operation<DeletingTypes>, Shared> {
  return {
    hasSteps,
    changedTargets,
    confirmation: { question, typedAnswer },
    parts: (outcome) => [...placements.parts(outcome), ...deleteParts(outcome)],
    imagesOf: (plan, executed) => [...placements.imagesOf(plan, executed), ...deletedImages(plan, executed)],
    hasLocked: ({ deletes }) => deletes !== undefined && pruneOperation.hasLocked?.(deletes) === true,
    failures: (plan, outcome) => [...placements.failures(plan, outcome), ...deleteFailures(plan, outcome)],
    outcomeDocument: (plan, outcome) => ({
      ...placements.outcomeDocument(plan, outcome),
      ...deletesDocument(plan, outcome),
    }),
  }
}

function hasSteps(plan: DeletingPlan): boolean {
  const deletes = deletesOf(plan)
  return plan.steps.length > 0 || (deletes !== undefined && pruneOperation.hasSteps(deletes))
}

/** The environments of which the justification is checked: those that the plan writes to. */
function changedTargets(plan: DeletingPlan): readonly ChangedTarget[] {
  const changing = new Set(plan.steps.map(({ placement }) => placement))
  const deletes = deletesOf(plan)
  return [
    ...plan.placements.flatMap(({ id, to }) => (changing.has(id) ? [to] : [])),
    ...(deletes === undefined ? [] : pruneOperation.changedTargets(deletes)),
  ]
}

/** The plan without steps and with the refusal of everything. */
export function refuseAll<P extends DeletingPlan>(
  placements: Operation<PlacementTypes>,
  plan: P,
  error: ErrorInfo,
): P {
  return {
    ...plan,
    ...placements.refuseAll(plan, error),
    ...(plan.deletes !== undefined && { deletes: pruneOperation.refuseAll(plan.deletes, error) }),
    operation: plan.operation,
  }
}

function question(plan: DeletingPlan): string {
  const deletes = deletesOf(plan)
  const deleting = deletes !== undefined && pruneOperation.hasSteps(deletes) ? deleteQuestion(deletes) : ''
  if (plan.steps.length === 0) return deleting
  return [placementQuestion(plan), deleting].filter((text) => text !== '').join(' ')
}

function typedAnswer(plan: DeletingPlan): string | undefined {
  const deletes = deletesOf(plan)
  return deletes === undefined ? undefined : textToConfirm(deletes)
}

/** The outcome of a plan of which no step was executed. */
export function withoutExecution(plan: DeletingPlan): DeletingOutcome {
  const deletes = deletesOf(plan)
  return {
    ...summarise(plan, []),
    undeleted: [],
    ...(deletes !== undefined && { deletes: summarisePrune(deletes, new Map()) }),
  }
}

function deleteParts({ deletes }: DeletingOutcome): readonly RunPart[] {
  if (deletes === undefined) return []
  const refused = deletes.refusals.map((): RunPart => ({ problem: 'refused', countsAsDone: false }))
  return [...pruneOperation.parts(deletes), ...refused]
}

function deleteFailures(plan: DeletingPlan, { deletes }: DeletingOutcome): readonly Failure[] {
  if (plan.deletes === undefined || deletes === undefined) return []
  const refusals = deletes.refusals.map(({ repository, error }) => ({
    ...(repository !== undefined && { image: formatRepository(repository) }),
    error,
  }))
  return [...refusals, ...pruneOperation.failures(plan.deletes, deletes)]
}

function deletedImages(plan: DeletingPlan, executed?: Executed<DeletingTypes>): readonly ChangedImage[] {
  const { deletes } = plan
  const outcome = executed?.outcome.deletes
  const isDeleting = deletesOf(plan) !== undefined && (executed === undefined || outcome !== undefined)
  if (deletes === undefined || !isDeleting) return []
  return pruneOperation.imagesOf(deletes, executed && outcome && { ...executed, outcome, plan: deletes })
}

function deletesDocument(plan: DeletingPlan, { deletes, undeleted }: DeletingOutcome): object {
  return {
    ...(plan.deletes !== undefined &&
      deletes !== undefined && { deletes: pruneOperation.outcomeDocument(plan.deletes, deletes) }),
    ...(undeleted.length > 0 && { undeleted }),
  }
}
