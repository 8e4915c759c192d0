import { canonicalJson } from '../canonical-json.ts'
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
  const known = new Set(edits.images.map(keyOf))
  for (const image of edits.images) {
    const wrong = imageMismatch(image, plan)
    if (wrong !== undefined) throw invalidPlan(name, `the image ${image.image} of its edits ${wrong}`)
  }
  const ids = new Set<StepId>(plan.steps.map(({ id }) => id))
  const files = new Set<string>(edits.upToDate)
  if (files.size < edits.upToDate.length) throw invalidPlan(name, 'a file occurs twice')
  for (const step of edits.steps) {
    if (ids.has(step.id)) throw invalidPlan(name, `the step ${step.id} occurs twice`)
    if (files.has(step.file)) throw invalidPlan(name, `the file ${step.file} occurs twice`)
    ids.add(step.id)
    files.add(step.file)
    const wrong = mismatchOf(step, known)
    if (wrong !== undefined) throw invalidPlan(name, `the edit of ${step.file} ${wrong}`)
  }
}

function mismatchOf({ edits, images }: EditStep, known: ReadonlySet<string>): string | undefined {
  if (edits.length === 0) return 'changes nothing'
  const other = images.find((image) => !known.has(keyOf(image)))
  return other === undefined ? undefined : `writes ${other.image}, which the plan does not show`
}

function keyOf(image: EditedImage): string {
  return canonicalJson(image)
}

function imageMismatch(image: EditedImage, plan: EditingPlan): string | undefined {
  if (image.environment !== plan.edits?.environment) return 'is of another environment'
  if (plan.operation === 'gitops') return foundMismatch(image)
  return placedMismatch(image, new Map(plan.placements.map((one) => [one.id, one])))
}

function foundMismatch({ placements }: EditedImage): string | undefined {
  return placements === undefined ? undefined : 'waits for placements that the plan does not have'
}

function placedMismatch(
  { digest, environment, placements = [] }: EditedImage,
  byId: ReadonlyMap<PlacementId, Placement>,
): string | undefined {
  const placed = placements.map((id) => byId.get(id))
  if (placed.length === 0) return 'is not placed by the plan'
  const isOther = placed.some((one) => one === undefined || one.root.digest !== digest)
  if (isOther) return 'has a digest that the plan does not place'
  const targets = [...byId.values()].filter((one) => one.image === placed[0]?.image)
  const isPart = targets.some((one) => one.to.environment === environment && !placements.includes(one.id))
  return isPart ? 'does not wait for all of its targets' : undefined
}
