import { environmentAt, findImagesAt } from '../../config/environments.ts'
import type { Config } from '../../config/config.ts'
import { DrayError } from '../../lib/errors.ts'
import { formatAt, tagOrDigest } from '../../oci/reference.ts'
import type { EditedImage, EditPlan, EditStep } from '../../plan/edits/edit-step.ts'
import type { EditingPlan } from '../../plan/edits/editing-plan.ts'
import { canonicalJson } from '../../plan/canonical-json.ts'
import type { Placement } from '../../plan/plan.ts'
import type { ChangePorts, Review } from '../changes/operation.ts'
import type { PlacementTypes } from '../changes/placement-types.ts'
import type { Context } from '../wiring/context.ts'
import type { EditingTypes } from './editing-types.ts'
import { planEdits, type PlannedEdits } from './plan-edits.ts'
import { wantedImage } from './wanted-images.ts'

/**
 * Decides the edits of a saved plan again, by the current dray.yaml and on the current files. The
 * file of the plan only says which images of the environment are written: dray edits the files and
 * positions that it decides now. A file that changed is a conflict of the execution.
 * @param reviewed the placements of the plan
 * @throws `refused` if the plan edits something else than dray decides now; `conflict` if an image
 * is not in the environment any more, or a plan without changes has a file to edit now; what
 * `planEdits` throws.
 */
export async function reviewEdits(
  plan: EditingPlan,
  reviewed: Review<PlacementTypes>,
  { context, flags, reading: call }: ChangePorts,
): Promise<Review<EditingTypes>> {
  const { edits } = plan
  if (edits === undefined) return reviewed
  const { config } = await context.config()
  for (const image of edits.images) checkOwner(image, plan, config)
  if (plan.operation === 'gitops') await checkDeployed(edits.images, config, context, call)
  const git = { saved: edits.git, auditFile: flags['audit-file'] }
  const now = await planEdits(edits.images, edits.environment, git, context, call)
  checkSteps(edits, now)
  const [missing] = now.edits.steps
  const isEmpty = plan.steps.length === 0 && edits.steps.length === 0
  if (isEmpty && missing !== undefined) throw notPlanned(missing)
  return {
    ...reviewed,
    findings: { ...reviewed.findings, edits: now.findings },
    warnings: [...reviewed.warnings, ...now.warnings],
  }
}

/** Checks that dray.yaml has the image in the repository of its placements. */
function checkOwner(image: EditedImage, { placements }: EditingPlan, config: Config): void {
  const own = placements.filter(({ id }) => image.placements?.includes(id) === true)
  const ends = own.length === 0 ? [image] : own.map(({ to }) => to)
  for (const { repository } of ends) {
    const environment = environmentAt(config, repository, image.environment)
    const isOwner = findImagesAt(config, repository).some(
      (owner) => owner.environment === image.environment && owner.image === image.image,
    )
    if (environment === image.environment && isOwner) continue
    throw new DrayError('refused', `the plan edits files for ${image.image} of ${image.environment}`, {
      subject: image.image,
      why: `dray.yaml does not have ${formatAt(repository, { digest: image.digest })} there`,
      hint: 'Make a new plan.',
    })
  }
  const { tag } = image
  if (tag === undefined || own.length === 0 || own.some((one) => hasTag(one, tag))) return
  throw new DrayError('refused', `the plan writes the tag ${tag} of ${image.image} into files`, {
    subject: image.image,
    why: 'the plan does not place this tag',
    hint: 'Make a new plan.',
  })
}

function hasTag({ from, tags }: Placement, tag: string): boolean {
  return from.tag === tag || tags.some((one) => one.tag === tag)
}

/** Checks that the registries of all targets have the images of a plan without placements. */
async function checkDeployed(
  images: readonly EditedImage[],
  config: Config,
  context: Context,
  call: ChangePorts['reading'],
): Promise<void> {
  const stores = await context.stores()
  for (const image of images) {
    const { digest, tag } = image
    for (const repository of wantedImage(image, config).repositories) {
      const at = tagOrDigest(tag === undefined ? { digest } : { tag })
      const found = await stores.target(repository).resolve(at, call)
      if (found?.digest === digest) continue
      throw new DrayError('conflict', `${formatAt(repository, at)} was changed since the plan was made`, {
        subject: formatAt(repository, at),
        why: found === undefined ? 'it does not exist' : `it is ${found.digest}, and the plan has ${digest}`,
        hint: 'Nothing was changed. Make a new plan.',
      })
    }
  }
}

/** Checks that the plan edits what dray decides now, in each file that has not changed. */
function checkSteps(saved: EditPlan, { edits: now }: PlannedEdits): void {
  const known = new Set([...now.upToDate, ...now.steps.map(({ file }) => file)])
  const current = new Map(now.steps.map((step) => [step.file, step]))
  for (const step of saved.steps) {
    if (!known.has(step.file))
      throw other(step, `it is not a deployment file of ${saved.environment} with these images`)
    const decided = current.get(step.file)
    if (decided === undefined || decided.fileHash !== step.fileHash) continue
    if (!isSame(decided, step)) throw other(step, 'dray decides other values by the current dray.yaml')
  }
}

function notPlanned({ file }: EditStep): DrayError {
  return new DrayError('conflict', `${file} was changed since the plan was made`, {
    subject: file,
    why: 'the plan changes nothing, and the file does not have the images any more',
    hint: 'Nothing was changed. Make a new plan.',
  })
}

function isSame(a: EditStep, b: EditStep): boolean {
  return a.resultHash === b.resultHash && canonicalJson(a.edits) === canonicalJson(b.edits)
}

function other({ file }: EditStep, why: string): DrayError {
  return new DrayError('refused', `the plan edits ${file}`, { subject: file, why, hint: 'Make a new plan.' })
}
