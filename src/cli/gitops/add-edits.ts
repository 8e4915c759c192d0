import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { EditedImage } from '../../plan/edits/edit-step.ts'
import type { Plan } from '../../plan/plan.ts'
import type { PlannedChange } from '../changes/operation.ts'
import type { PlacementTypes } from '../changes/placement-types.ts'
import type { Context } from '../wiring/context.ts'
import type { EditingTypes } from './editing-types.ts'
import type { EditFlags, PublishFlags } from './git-request.ts'
import { planEdits } from './plan-edits.ts'
import { type ChooseImages, placedImages } from './wanted-images.ts'

/**
 * Adds the edits of the deployment files of the destination environment to a plan (`--gitops`).
 * Images that are refused get no edit. It sends requests to a registry only for a tag that the plan
 * does not write to all targets.
 * @throws `usage` if no environment, or several, are the destination; what `planEdits` throws.
 */
async function addEdits(
  change: PlannedChange<PlacementTypes>,
  flags: PublishFlags,
  context: Context,
  call: Call,
  choose?: ChooseImages,
): Promise<PlannedChange<EditingTypes>> {
  const plan: Plan = change.plan
  const { config } = await context.config()
  const images = placedImages(plan, config, choose)
  const [first] = images
  if (first === undefined) return change
  for (const image of images) await confirmUnwritten(image, plan, context, call)
  const { edits, findings, warnings } = await planEdits(images, first.environment, { flags }, context, call)
  return {
    plan: { ...plan, edits },
    review: async () => {
      const review = await change.review()
      return {
        ...review,
        findings: { ...review.findings, edits: findings },
        warnings: [...review.warnings, ...warnings],
      }
    },
  }
}

/** @throws `conflict` if a tag that the plan does not write is another image at a target. */
async function confirmUnwritten(
  { tag, digest, placements = [] }: EditedImage,
  plan: Plan,
  context: Context,
  call: Call,
): Promise<void> {
  if (tag === undefined) return
  const own = plan.placements.filter(({ id }) => placements.includes(id))
  const unwritten = own.filter(({ tags }) => !tags.some((one) => one.tag === tag))
  if (unwritten.length === 0) return
  const { confirmTag } = await import('./images-to-write.ts')
  const repositories = unwritten.map(({ to }) => to.repository)
  await confirmTag({ tag, digest }, repositories, context, call)
}

/**
 * Adds edits to a plan if the flags ask for them.
 * @param choose selects from several versions of an image
 * @throws `usage` for a commit without edits; what `addEdits` throws.
 */
export async function withEdits(
  change: PlannedChange<PlacementTypes>,
  flags: EditFlags,
  context: Context,
  call: Call,
  choose?: ChooseImages,
): Promise<PlannedChange<PlacementTypes>> {
  if (flags.gitops === true) return await addEdits(change, flags, context, call, choose)
  const given = (['commit', 'push', 'pr'] as const).find((name) => flags[name] === true)
  if (given === undefined) return change
  throw new DrayError('usage', `--${given} needs --gitops`, {
    hint: `Pass --gitops, so that there are edits to commit, or omit --${given}.`,
  })
}
