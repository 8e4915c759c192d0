import type { ErrorInfo } from '../../lib/errors.ts'
import { type PlacementOutcome, type RunOutcome, summarise } from '../../plan/outcome.ts'
import { formatAt } from '../../oci/reference.ts'
import type { Hash, Placement, Plan } from '../../plan/plan.ts'
import { renderOutcome } from '../../render/outcome.ts'
import { renderPlan } from '../../render/plan.ts'
import { placementQuestion } from '../../render/question.ts'
import type { CiReport } from '../ci/ci-report.ts'
import { problemOf } from '../command/run-exit.ts'
import { executePlacements, isPlaced } from './execute-placements.ts'
import type { ChangedImage, Executed, Operation } from './operation.ts'
import type { PlacementTypes } from './placement-types.ts'
import type { DecideAgain } from './review/review-plan.ts'

/** An operation that puts images or their tags at targets. */
export function placementOperation(loadReview: () => Promise<DecideAgain>): Operation<PlacementTypes> {
  return {
    hasSteps: ({ steps }) => steps.length > 0,
    changedTargets: ({ steps, placements }) => (steps.length === 0 ? [] : placements.map(({ to }) => to)),
    refuseAll,
    onlyRefusal,
    review: async (plan, flags, ports) => {
      const [{ reviewPlan }, decideAgain] = await Promise.all([
        import('./review/review-plan.ts'),
        loadReview(),
      ])
      return await reviewPlan(plan, decideAgain, flags, ports)
    },
    confirmation: { question: placementQuestion },
    execute: executePlacements,
    verify: async (plan, executed, { planRepair }, ports) => {
      if (planRepair === undefined) return undefined
      const { verifyPlacements } = await import('./verify-placements.ts')
      return await verifyPlacements(plan, executed, planRepair, ports)
    },
    withoutExecution: (plan) => summarise(plan, []),
    parts: ({ placements }) =>
      placements.map((one) => ({
        problem: isRefused(one) ? 'refused' : problemOf(one.status),
        // the image and what is attached to it were pushed
        countsAsDone: isPlaced(one) || (one.evidenceUnlisted ?? 0) > 0,
      })),
    renderPlan: (plan, page, { configuration }) => renderPlan(plan, page, configuration),
    renderOutcome,
    imagesOf,
    failures: ({ placements }, outcome) => {
      const imageOf = new Map(placements.map(({ id, image }) => [id, image]))
      return outcome.placements.flatMap(({ placement, errors }) =>
        errors.map((error) => ({ image: imageOf.get(placement) ?? placement, error })),
      )
    },
    outcomeDocument,
    ciReport,
    writeMetrics: async (file, facts, clock) => {
      const { writePlacementMetrics } = await import('../ci/placement-metrics.ts')
      await writePlacementMetrics(file, facts, clock)
    },
  }
}

/**
 * Whether a registry does not accept the index without all of its platforms: no tag was written.
 */
function isRefused({ status, errors }: PlacementOutcome): boolean {
  return status === 'failed' && errors.length > 0 && errors.every(isOfManifest)
}

/** Other refusals, such as a limit of the size (413), have another code of the registry or none. */
function isOfManifest({ code, status, registryCode }: ErrorInfo): boolean {
  return code === 'refused' && (status === undefined || registryCode?.startsWith('MANIFEST_') === true)
}

async function ciReport(plan: Plan, outcome: RunOutcome | undefined, hash: Hash): Promise<CiReport> {
  const [{ runSummary, runVariables }, { gateAnnotations, gatedImages }] = await Promise.all([
    import('../../render/ci.ts'),
    import('../../render/gates/gate-ci.ts'),
  ])
  return {
    variables: runVariables(plan, hash, outcome),
    summary: runSummary(plan, outcome),
    annotations: gateAnnotations(gatedImages(plan, outcome)),
  }
}

/** Without the results of gates: those of a plan file are not trusted. */
function refuseAll(plan: Plan, error: ErrorInfo): Plan {
  const images = [...new Set(plan.placements.map(({ image }) => image))]
  const placements = plan.placements.map(({ gates: _gates, ...placement }) => placement)
  return { ...plan, placements, steps: [], refusals: images.map((image) => ({ image, error })) }
}

/**
 * The refusal of one image that is all there is. The outcome shows the refusals of several images,
 * and the gates of an image.
 */
function onlyRefusal({ placements, refusals, steps }: Plan): ErrorInfo | undefined {
  const [refusal, ...more] = refusals
  const images = new Set([...placements, ...refusals].map(({ image }) => image))
  const hasGates = placements.some(({ gates }) => gates !== undefined)
  const isOnly = more.length === 0 && images.size === 1 && steps.length === 0 && !hasGates
  return isOnly ? refusal?.error : undefined
}

/** The images at their targets, each by its first tag. */
function imagesOf(plan: Plan, executed?: Executed<PlacementTypes>): readonly ChangedImage[] {
  const outcome = executed?.outcome ?? summarise(plan, [])
  const statusOf = new Map(outcome.placements.map(({ placement, status }) => [placement, status]))
  const isShown = ({ id }: Placement): boolean => {
    const status = statusOf.get(id)
    return executed === undefined ? status !== 'refused' : problemOf(status ?? '') === undefined
  }
  return plan.placements.filter(isShown).map(({ to, root: { digest }, tags: [first] }) => ({
    reference: formatAt(to.repository, first === undefined ? { digest } : { tag: first.tag }),
    digest,
  }))
}

function outcomeDocument({ placements }: Plan, outcome: RunOutcome): object {
  const byId = new Map(outcome.placements.map((one) => [one.placement, one]))
  return {
    images: placements.map(({ id, image, from, to, root, evidence, keptTags }) => ({
      image,
      from,
      to,
      digest: root.digest,
      evidenceFound: evidence.found,
      ...byId.get(id),
      ...(keptTags !== undefined && { keptTags }),
    })),
    transferred: outcome.transferred,
  }
}
