import { isDone } from '../../execute/edits/execute-edits.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import { formatAt } from '../../oci/reference.ts'
import type { EditedImage, EditPlan } from '../../plan/edits/edit-step.ts'
import type { EditingOutcome, EditingPlan, EditOutcome } from '../../plan/edits/editing-plan.ts'
import { hashOfPlan, keepSavedHash } from '../../plan/plan-hash.ts'
import { renderEditOutcome } from '../../render/gitops/edit-outcome.ts'
import { editQuestion, renderEditPlan, renderEditsAfterTags } from '../../render/gitops/edit-plan.ts'
import { isPlaced } from '../changes/execute-placements.ts'
import type { ChangedTarget } from '../changes/justification.ts'
import type { ChangedImage, ChangePorts, Executed, Failure, Operation } from '../changes/operation.ts'
import type { PlacementTypes } from '../changes/placement-types.ts'
import { type RunPart, problemOf } from '../command/run-exit.ts'
import { exitCodeOf, exitCodes } from '../command/exit-codes.ts'
import type { EditingFindings, EditingTypes } from './editing-types.ts'

/** An operation on placements, with the edits of its plan after them. */
export function editingOperation(placements: Operation<PlacementTypes>): Operation<EditingTypes> {
  const { verify } = placements
  return {
    ...placements,
    hasSteps: (plan) => placements.hasSteps(plan) || hasEdits(plan),
    changedTargets: (plan) => [...placements.changedTargets(plan), ...editedTargets(plan)],
    refuseAll: (plan, error) => refuseAll(placements, plan, error),
    onlyRefusal: (plan) => (hasEdits(plan) ? undefined : placements.onlyRefusal?.(plan)),
    review: async (plan, flags, ports) => {
      const { reviewEdits } = await import('./review-edits.ts')
      return await reviewEdits(plan, await placements.review(plan, flags, ports), ports)
    },
    confirmation: { question: (plan) => question(placements, plan) },
    execute: async (plan, findings, isConfirmed, ports) =>
      await executeEditing(placements, plan, findings, { isConfirmed, ports }),
    ...(verify !== undefined && {
      verify: async (plan, executed, findings, ports) => {
        const verified = await verify(plan, executed, findings, ports)
        return verified && { ...executed, verified: verified.verified === true }
      },
    }),
    withoutExecution: (plan) => ({
      ...placements.withoutExecution(plan),
      ...(plan.edits !== undefined && { edits: notExecuted(plan.edits) }),
    }),
    parts: (outcome) => [...placements.parts(outcome), ...editParts(outcome)],
    renderPlan: (plan, page, options) => {
      if (plan.edits === undefined) return placements.renderPlan(plan, page, options)
      if (plan.operation === 'gitops') return renderEditPlan(plan.edits, page)
      return `${placements.renderPlan(plan, page, options)}\n\n${renderEditsAfterTags(plan.edits, page)}`
    },
    renderOutcome: (plan, outcome, page, options) => {
      const edits = outcome.edits === undefined ? '' : renderEditOutcome(outcome.edits, page)
      if (plan.operation === 'gitops') return edits
      return [placements.renderOutcome(plan, outcome, page, options), edits]
        .filter((text) => text !== '')
        .join('\n')
    },
    imagesOf: (plan, executed) =>
      plan.operation === 'gitops' ? editedImages(plan, executed) : placements.imagesOf(plan, executed),
    failures: (plan, outcome) => [...placements.failures(plan, outcome), ...editFailures(outcome)],
    outcomeDocument: (plan, outcome) => ({
      ...placements.outcomeDocument(plan, outcome),
      ...(outcome.edits !== undefined && { edits: outcome.edits }),
    }),
    ciReport: async (plan, outcome, hash) => {
      const report = await placements.ciReport(plan, outcome, hash)
      if (plan.edits === undefined) return report
      const { editSummary, editVariables } = await import('../../render/gitops/edit-ci.ts')
      return {
        ...report,
        variables: { ...report.variables, ...editVariables(plan.edits, outcome?.edits) },
        summary: `${report.summary}${editSummary(plan.edits, outcome?.edits)}`,
      }
    },
  }
}

/** Whether a plan changes a file, or may have a commit to make. */
function hasEdits({ edits }: EditingPlan): boolean {
  if (edits === undefined) return false
  return edits.steps.length > 0 || (edits.git !== undefined && edits.upToDate.length > 0)
}

/** Edits change the environment as a promotion does, and need the same justification. */
function editedTargets(plan: EditingPlan): readonly ChangedTarget[] {
  if (plan.operation !== 'gitops' || plan.edits === undefined || !hasEdits(plan)) return []
  return plan.edits.images.map(({ environment, repository }) => ({ environment, repository }))
}

function refuseAll(placements: Operation<PlacementTypes>, plan: EditingPlan, error: ErrorInfo): EditingPlan {
  const { edits } = plan
  const refused = placements.refuseAll(plan, error)
  const images = edits?.images.map(({ image }) => ({ image, error })) ?? []
  return {
    ...refused,
    ...(plan.operation === 'gitops' && { refusals: images }),
    ...(edits !== undefined && { edits: { ...edits, steps: [] } }),
  }
}

function question(placements: Operation<PlacementTypes>, plan: EditingPlan): string {
  const edits = plan.edits !== undefined && hasEdits(plan) ? editQuestion(plan.edits) : ''
  const placing = plan.steps.length === 0 ? '' : placements.confirmation.question(plan)
  return [placing, edits].filter((text) => text !== '').join(' ')
}

async function executeEditing(
  placements: Operation<PlacementTypes>,
  given: EditingPlan,
  findings: EditingFindings | undefined,
  { isConfirmed, ports }: { readonly isConfirmed: boolean; readonly ports: ChangePorts },
): Promise<Executed<EditingTypes>> {
  const placed = await placements.execute(given, findings, isConfirmed, ports)
  const { edits } = given
  if (edits === undefined || findings?.edits === undefined) return placed
  const plan: EditingPlan = { ...given, ...placed.plan, edits }
  keepSavedHash(plan, hashOfPlan(given))
  const done = new Set(placed.outcome.placements.filter(isPlaced).map(({ placement }) => placement))
  const isThere = ({ placements: ids }: EditedImage): boolean => ids?.every((id) => done.has(id)) ?? true
  const { executePlanEdits } = await import('./execute-edits.ts')
  const { outcome } = await executePlanEdits(plan, isThere, findings.edits, { ...ports, run: placed.run })
  return { ...placed, outcome: { ...placed.outcome, edits: outcome }, plan }
}

/** The outcome of edits of which none was executed. */
function notExecuted({ steps }: EditPlan): EditOutcome {
  return {
    files: steps.map(({ id, file, edits }) => ({ step: id, file, status: 'notAttempted', edits })),
  }
}

/** A file that has its images counts as done; also the commit is a part. */
function editParts({ edits }: EditingOutcome): readonly RunPart[] {
  if (edits === undefined) return []
  const files = edits.files.map((file): RunPart => ({
    problem: problemOf(file.status),
    countsAsDone: isDone(file),
  }))
  if (edits.error === undefined) return files
  const isRefused = exitCodeOf(edits.error.code) === exitCodes.refused
  return [...files, { problem: isRefused ? 'refused' : 'failed', countsAsDone: false }]
}

function editFailures({ edits }: EditingOutcome): readonly Failure[] {
  if (edits === undefined) return []
  return [...edits.files, edits].flatMap(({ error }) => (error === undefined ? [] : [{ error }]))
}

/** The images of the files, without those of a file that could not be edited. */
function editedImages(
  { edits }: EditingPlan,
  executed: Executed<EditingTypes> | undefined,
): readonly ChangedImage[] {
  if (edits === undefined) return []
  const failed = new Set(
    executed?.outcome.edits?.files.flatMap((file) => (isDone(file) ? [] : [file.step])) ?? [],
  )
  const missing = new Set(
    edits.steps.flatMap(({ id, images }) => (failed.has(id) ? images.map(({ image }) => image) : [])),
  )
  return edits.images.flatMap(({ image, repository, digest, tag }) =>
    missing.has(image)
      ? []
      : [{ reference: formatAt(repository, tag === undefined ? { digest } : { tag }), digest }],
  )
}
