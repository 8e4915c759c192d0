import { DrayError, isDrayError } from '../../lib/errors.ts'
import { formatAt, formatRepository } from '../../oci/reference.ts'
import type { Plan } from '../../plan/plan.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'
import { type Batch, type BatchImage, decideBatchTags, surveyBatch } from '../placing/batch.ts'
import { planImages, type PlacingPolicy } from '../placing/plan-images.ts'
import { type TaggedTarget, taggingDecision } from '../placing/tagged-image.ts'
import type { GatheredTagging } from './gather.ts'
import type { TagSnapshot, TagTarget } from './snapshot.ts'
import { requestedTags } from './version.ts'

/** Decides which tags are written: pure. Refusals are part of the plan. */
export function decide(gathered: readonly GatheredTagging[], policy: PlacingPolicy, now: Date): Plan {
  const batch = surveyBatch(
    gathered.flatMap((item) => (item.kind === 'read' ? [batchImage(item.snapshot)] : [])),
  )
  return planImages(gathered, { operation: 'tag', policy, now }, (snapshot, id) => {
    const { request, root, targets } = snapshot
    const { image, environment, at } = request
    const { requested } = batchImage(snapshot)
    return taggingDecision(
      {
        image,
        environment,
        tag: 'tag' in at ? at.tag : undefined,
        root,
        errors: isDrayError(requested.version) ? [requested.version] : [],
        targets: targets.map((target) => decideTarget(snapshot, target, batch, policy)),
      },
      id,
    )
  })
}

function batchImage(snapshot: TagSnapshot): BatchImage {
  const { request, root, targets } = snapshot
  return { image: request.image, root: root.digest, requested: requestedTags(snapshot), targets }
}

function decideTarget(
  snapshot: TagSnapshot,
  target: TagTarget | UnreadTarget,
  batch: Batch,
  { moveTags }: PlacingPolicy,
): TaggedTarget {
  const { repository } = target
  if (target.kind === 'unread') return { repository, tags: undefined, errors: [target.error] }
  const { immutable, policy } = snapshot.request
  const tags = decideBatchTags(batchImage(snapshot), target, batch, { immutable, moveTags, reading: policy })
  const errors = [...(target.hasRoot ? [] : [missingAt(snapshot, target)]), ...tags.refusals]
  return { repository, tags, errors }
}

function missingAt({ request, root }: TagSnapshot, { repository }: TagTarget): DrayError {
  const { image, environment = 'the environment' } = request
  return new DrayError('refused', `${image} is not in every target of ${environment}`, {
    subject: formatAt(repository, { digest: root.digest }),
    why: `${formatRepository(repository)} does not have the image`,
    hint: 'Promote the image first. A promotion copies it to all targets.',
  })
}
