import { invalidPlan } from '../invalid-plan.ts'
import type { PlacementId, Placement, StepId } from '../plan.ts'
import type { EditedImage, EditStep } from './edit-step.ts'
import type { EditingPlan } from './editing-plan.ts'

/**
 * Checks that the edits of a plan are about its images: each image of an edit is one of the plan's
 * placements, with their digest and in all of them. A plan of `gitops` has no placements.
 * @throws `malformed`.
 */
export function checkEditConsistency(plan: EditingPlan, name: string): void {
  const { edits, operation, placements } = plan
  if (edits === undefined) {
    if (operation === 'gitops') throw invalidPlan(name, 'it edits files and has no edits')
    return
  }
  if (operation === 'gitops' && placements.length > 0)
    throw invalidPlan(name, 'it edits files and has images to place')
  const ids = new Set<StepId>(plan.steps.map(({ id }) => id))
  const files = new Set<string>(edits.upToDate)
  if (files.size < edits.upToDate.length) throw invalidPlan(name, 'a file occurs twice')
  for (const step of edits.steps) {
    if (ids.has(step.id)) throw invalidPlan(name, `the step ${step.id} occurs twice`)
    if (files.has(step.file)) throw invalidPlan(name, `the file ${step.file} occurs twice`)
    ids.add(step.id)
    files.add(step.file)
    const wrong = mismatchOf(step, plan)
    if (wrong !== undefined) throw invalidPlan(name, `the edit of ${step.file} ${wrong}`)
  }
}

function mismatchOf({ edits, images }: EditStep, plan: EditingPlan): string | undefined {
  if (edits.length === 0) return 'changes nothing'
  const byId = new Map(plan.placements.map((placement) => [placement.id, placement]))
  for (const image of images) {
    if (image.environment !== plan.edits?.environment) return 'is about another environment'
    const wrong = plan.operation === 'gitops' ? foundMismatch(image) : placedMismatch(image, byId)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function foundMismatch({ placements }: EditedImage): string | undefined {
  return placements === undefined ? undefined : 'waits for an image that the plan does not place'
}

function placedMismatch(
  { image, digest, environment, placements = [] }: EditedImage,
  byId: ReadonlyMap<PlacementId, Placement>,
): string | undefined {
  const placed = placements.map((id) => byId.get(id))
  if (placed.length === 0) return `names ${image}, which the plan does not place`
  const isOther = placed.some((one) => one === undefined || one.root.digest !== digest)
  if (isOther) return `writes a digest of ${image} that the plan does not place`
  const targets = [...byId.values()].filter((one) => one.image === placed[0]?.image)
  const isPart = targets.some((one) => one.to.environment === environment && !placements.includes(one.id))
  return isPart ? `does not wait for all targets of ${image}` : undefined
}
