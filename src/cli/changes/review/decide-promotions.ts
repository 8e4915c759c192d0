import { readingAt } from '../../../config/settings/version-reading.ts'
import { DrayError, formatCause } from '../../../lib/errors.ts'
import type { GatheredPromotion } from '../../../usecases/promote/gather.ts'
import type { PromoteRequest } from '../../../usecases/promote/request.ts'
import type { PromoteSnapshot } from '../../../usecases/promote/snapshot.ts'
import { destinationVersions } from '../../../usecases/promote/source-version.ts'
import type { DecideAgain, CurrentDecision, ReviewInput } from './review-plan.ts'
import type { PlannedImage } from './planned-image.ts'
import { promoteRequest } from './review-requests.ts'

export const decidePromotionsAgain: DecideAgain = {
  readsSources: true,
  decide: async (input) => await decidePromotions(input, (image) => requestFor(image, input, false)),
}

export const decideCopiesAgain: DecideAgain = {
  readsSources: true,
  hint: (flags) =>
    flags['allow-copy']
      ? undefined
      : 'The plan is of dray copy. To allow a copy that breaks the rules for promotions, pass --allow-copy.',
  decide: async (input) =>
    await decidePromotions(input, (image) => requestFor(image, input, input.flags['allow-copy'])),
}

/** The request of an image by the rules of now. */
export function requestFor(
  image: PlannedImage,
  { config, flags }: Pick<ReviewInput, 'config' | 'flags'>,
  isCopy: boolean,
): PromoteRequest {
  return promoteRequest(image, isCopy, flags, (repository, environment) =>
    readingAt(config, repository, environment),
  )
}

/** Reads and decides the requests of a saved plan's images. */
export async function decidePromotions(
  { plan, images, flags, context, stores, call, now }: ReviewInput,
  requestOf: (image: PlannedImage) => PromoteRequest,
): Promise<readonly (readonly CurrentDecision[])[]> {
  const [{ gather, warnedImage }, { decide }] = await Promise.all([
    import('../../../usecases/promote/gather.ts'),
    import('../../../usecases/promote/decide.ts'),
  ])
  const requests = images.map(requestOf)
  const dangling = flags['allow-missing-evidence'] ? 'skip' : 'fail'
  const options = { clock: context.clock, evidence: flags.evidence, dangling } as const
  const gathered = await gather(requests, stores, options, call)
  const policy = {
    operation: plan.operation,
    moveTags: flags['move-tag'],
    evidenceConflict: flags['evidence-conflict'],
    partial: flags.partial,
    hash: plan.policy,
    tool: context.version,
  }
  const decided = decide(gathered, policy, now())
  return gathered.map((read, index) => [
    read.kind === 'read'
      ? {
          decided,
          index,
          ...factsOf(read.snapshot),
          warned: warnedImage(read.snapshot),
          gateSources: async () => {
            const { gateSources } = await import('../../../usecases/promote/gate-sources.ts')
            return gateSources(gathered, { ...options, evidenceConflict: policy.evidenceConflict })
          },
        }
      : {
          decided,
          index,
          versions: [],
          targets: read.unread.request.to.targets.map(() => sourceError(read)),
        },
  ])
}

function factsOf({
  source,
  targets,
  request,
}: PromoteSnapshot): Pick<CurrentDecision, 'targets' | 'versions'> {
  return {
    versions: destinationVersions(request, source.versions),
    targets: targets.map((target) => {
      if (target.kind !== 'read') return target.error
      const evidence = source.evidence.map(({ subject, manifest, tag }) => ({
        subject,
        manifest: manifest.digest,
        ...(tag !== undefined && { tag }),
        at: tag === undefined ? null : (target.evidenceTags.get(tag)?.digest ?? null),
      }))
      return { listed: target.listed, evidence }
    }),
  }
}

/**
 * Only the source that the plan names may give the image. A repository without the image is no
 * source of it.
 */
function sourceError({
  unread: { error, request },
}: Extract<GatheredPromotion, { kind: 'unread' }>): DrayError {
  if (error.code !== 'not-found') return error
  return new DrayError('refused', `cannot find ${request.image} at the source of the plan`, {
    ...(error.subject !== undefined && { subject: error.subject }),
    why: formatCause(error),
    hint: 'Make a new plan.',
    cause: error,
  })
}
