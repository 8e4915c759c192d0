import { countPlatforms } from '../../images/graph/select-platforms.ts'
import { sameRepository } from '../../oci/reference.ts'
import type { PlacementOperation, Plan } from '../../plan/plan.ts'
import { type Batch, type BatchImage, decideBatchTags, surveyBatch } from '../placing/batch.ts'
import {
  type ImageDecision,
  createPlacementEnd,
  formatPlacementId,
  createPlacement,
  planImages,
  type PlacingPolicy,
  type TargetDecision,
} from '../placing/plan-images.ts'
import { type CheckedTarget, type DecidedTarget, runChecks } from './checks/check.ts'
import { promotionChecks } from './checks/checks.ts'
import { planContentSteps, sparsePlatforms } from './content-steps.ts'
import { decideEvidence, type EvidenceConflict } from './decide-evidence.ts'
import type { GatheredPromotion } from './gather.ts'
import type { PromoteSnapshot } from './snapshot.ts'
import { requestedTags } from './source-version.ts'

export interface PromotePolicy extends PlacingPolicy {
  readonly operation: PlacementOperation
  /** the decision for a cosign tag with other entries at each side */
  readonly evidenceConflict: EvidenceConflict
}

/** Decides the placement of every image at its targets: pure. Refusals are part of the plan. */
export function decide(gathered: readonly GatheredPromotion[], policy: PromotePolicy, now: Date): Plan {
  const batch = surveyBatch(
    gathered.flatMap((item) => (item.kind === 'read' ? [batchImage(item.snapshot)] : [])),
  )
  return planImages(gathered, { operation: policy.operation, policy, now }, (snapshot, id) =>
    decideImage(snapshot, id, batch, policy),
  )
}

function batchImage({ request, source, targets }: PromoteSnapshot): BatchImage {
  const requested = requestedTags(request, source.versions)
  return { image: request.image, root: source.root.digest, requested, targets }
}

function decideImage(
  snapshot: PromoteSnapshot,
  id: string,
  batch: Batch,
  policy: PromotePolicy,
): ImageDecision {
  const image = batchImage(snapshot)
  const targets = snapshot.targets.map((target, i): CheckedTarget => {
    const placement = formatPlacementId(id, i)
    if (target.kind === 'unread') return { id: placement, target }
    return decideTarget(snapshot, image, { id: placement, target }, batch, policy)
  })
  return {
    targets: targets.map((target) => targetDecision(snapshot, target)),
    refusals: runChecks(promotionChecks, snapshot, { requested: image.requested, targets }),
  }
}

function decideTarget(
  { request, source }: PromoteSnapshot,
  image: BatchImage,
  { id, target }: Pick<DecidedTarget, 'id' | 'target'>,
  batch: Batch,
  policy: PromotePolicy,
): DecidedTarget {
  const tags = decideBatchTags(image, target, batch, {
    immutable: request.to.immutable ?? [],
    moveTags: policy.moveTags,
    followsSource: request.to.followsSource,
    reading: request.to.reading,
  })
  const { evidence } = source
  const isInPlace = sameRepository(request.from.repository, target.repository)
  const lacking = isInPlace
    ? evidence.filter(({ manifest }) => target.damaged.has(manifest.digest))
    : evidence
  return {
    id,
    target,
    tags,
    evidence: lacking.map((one) => decideEvidence(one, target, policy.evidenceConflict)),
  }
}

function targetDecision(snapshot: PromoteSnapshot, decided: CheckedTarget): TargetDecision {
  const { request, source } = snapshot
  const { image, from, to } = request
  const { id, target, tags, evidence = [] } = decided
  const subject = {
    id,
    image,
    from: createPlacementEnd(from.environment, from.repository, 'tag' in from.at ? from.at.tag : undefined),
    to: createPlacementEnd(to.environment, target.repository),
    root: source.root,
  }
  const missing = evidence.filter(({ kind }) => kind === 'attach').length
  const placement = createPlacement(subject, tags, { found: source.evidence.length, missing })
  const platforms = sparsePlatforms(source, request)
  return {
    placement: {
      ...placement,
      size: source.graph.size,
      ...(platforms.length > 0 && { platforms, ofPlatforms: countPlatforms(source.graph.nodes) }),
    },
    tags,
    content: decided.tags === undefined ? [] : planContentSteps(snapshot, decided),
  }
}
