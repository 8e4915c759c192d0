import type { Residency } from '../../config/gates/compile-residency.ts'
import { readImageConfig } from '../../images/config/image-config.ts'
import { walkGraph } from '../../images/graph/graph.ts'
import { platformImages } from '../../images/graph/platform-images.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, formatCause, isContentFailure, toDrayError, toErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Placement, Plan, Refusal } from '../../plan/plan.ts'
import { evaluateResidency, type ForbiddenWrite, type ImageLabels } from './evaluate-residency.ts'

/** Images whose labels are read at once. */
const imagesAtOnce = 8
/** Configs of one image that are read at once. */
const configsAtOnce = 8

/** An image that is, or will be, in a repository. */
export interface ResidentImage {
  /** as the user named it */
  readonly image: string
  readonly root: Descriptor
  /** undefined: unknown, for an image that the repository has */
  readonly from: RepositoryName | undefined
  readonly to: RepositoryName
}

export interface ResidencyPorts {
  readonly residency: Residency
  readonly stores: Repositories
}

/**
 * Refuses the placements of a plan that write image content or attached artifacts to a repository
 * that `residency` of `dray.yaml` does not allow. A tag that moves within its repository writes no
 * content. Sends requests only if a rule by labels decides.
 * @throws the reason of the signal; a failure to read labels is a refusal with its error
 */
export async function residencyRefusals(
  plan: Plan,
  ports: ResidencyPorts,
  call: Call,
): Promise<readonly Refusal[]> {
  const writing = plan.placements.filter((placement) => writesContent(plan, placement))
  const refusals = await inParallel(writing, imagesAtOnce, call, async (placement, c) => {
    const { id, image, root, from, to } = placement
    const error = await findRefusal({ image, root, from: from.repository, to: to.repository }, ports, c)
    return error === undefined ? [] : [{ image, placement: id, error: toErrorInfo(error) }]
  })
  return refusals.flat()
}

/**
 * Checks that an attached artifact may be written to the repository of an image.
 * @throws `refused`; what the store throws
 */
export async function checkResidency(image: ResidentImage, ports: ResidencyPorts, call: Call): Promise<void> {
  const error = await findRefusal(image, ports, call)
  if (error !== undefined) throw error
}

/** Whether steps of the placement write content. Without steps at all, it is up to date. */
function writesContent({ steps }: Plan, { id }: Placement): boolean {
  return steps.some((step) => {
    if (step.placement !== id) return false
    return step.kind !== 'tag' || formatRepository(step.from) !== formatRepository(step.repository)
  })
}

/**
 * Returns why `residency` does not allow an image in a repository, or why that is unknown. Rules
 * with `from` forbid nothing if `from` is undefined, because the source of the content is unknown.
 * @throws the reason of the signal
 */
export async function findRefusal(
  image: ResidentImage,
  ports: ResidencyPorts,
  call: Call,
): Promise<DrayError | undefined> {
  try {
    const forbidden = await findForbidden(image, ports, call)
    return forbidden === undefined ? undefined : refusalOf(image, forbidden)
  } catch (error) {
    call.signal.throwIfAborted()
    return toDrayError(error)
  }
}

async function findForbidden(
  { root, from, to }: ResidentImage,
  { residency, stores }: ResidencyPorts,
  call: Call,
): Promise<ForbiddenWrite | undefined> {
  const first = evaluateResidency(residency, { from, to, labels: undefined })
  if (first.kind !== 'needsLabels') return first.kind === 'forbidden' ? first : undefined
  const labels = await readLabels(stores, from ?? to, root, call)
  if (labels instanceof DrayError) {
    return {
      kind: 'forbidden',
      rule: first.rule,
      why: `${first.rule} in dray.yaml depends on the labels of the image, and dray cannot read them: ${formatCause(labels)}`,
    }
  }
  const second = evaluateResidency(residency, { from, to, labels })
  return second.kind === 'forbidden' ? second : undefined
}

/**
 * Returns the labels of all image configs, or the reason why the content of one cannot be read.
 * @throws what the store throws
 */
async function readLabels(
  stores: Repositories,
  repository: RepositoryName,
  root: Descriptor,
  call: Call,
): Promise<ImageLabels | DrayError> {
  const store = stores.source(repository)
  try {
    const graph = await walkGraph(store, await store.manifest(root, call), call)
    return await inParallel(platformImages(graph), configsAtOnce, call, async ({ node }, c) => {
      return (await readImageConfig(store, node.manifest.config, c)).labels
    })
  } catch (error) {
    // Content that cannot be read as a config is a reason to refuse. Other failures are errors.
    if (isContentFailure(error)) return error
    throw error
  }
}

function refusalOf({ image, to }: ResidentImage, { why }: ForbiddenWrite): DrayError {
  return new DrayError('refused', `${image} may not be written to ${formatRepository(to)}`, {
    subject: formatRepository(to),
    why,
    hint: 'Choose another repository, or change residency in dray.yaml.',
  })
}
