import { DrayError, isDrayError } from '../../lib/errors.ts'
import { formatAt, formatRepository } from '../../oci/reference.ts'
import { type Batch, type Comer, surveyBatch } from '../../plan/batch.ts'
import { decideTags } from '../../plan/decide-tags.ts'
import { type ImageInPlace, planInPlace, type TargetInPlace } from '../../plan/in-place.ts'
import type { Hash, Plan } from '../../plan/plan.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'
import type { Gathered } from './gather.ts'
import type { Snapshot, TargetSnapshot } from './snapshot.ts'
import { versionOf, wantedAt } from './wanted.ts'

export interface TagRunPolicy {
  /** tags that do not move are moved all the same */
  readonly moveTags: boolean
  /** targets that are ready need not wait for the others */
  readonly partial: boolean
  /** hash of the configuration and flags that this policy came from */
  readonly hash: Hash
  /** version of dray */
  readonly tool: string
}

/** The tags that have to be written so that every image has its own: pure. Images that cannot be tagged are refusals in the plan, with the reason. */
export function decide(gathered: readonly Gathered[], policy: TagRunPolicy, now: Date): Plan {
  const batch = batchOf(gathered)
  const images = gathered.map((item) =>
    item.kind === 'unread'
      ? { image: item.unread.request.image, error: item.unread.error }
      : decideImage(item.snapshot, batch, policy),
  )
  return planInPlace(images, {
    operation: 'tag',
    policy: policy.hash,
    tool: policy.tool,
    partial: policy.partial,
    now,
  })
}

function batchOf(gathered: readonly Gathered[]): Batch {
  return surveyBatch(
    gathered.flatMap((item) => {
      if (item.kind === 'unread') return []
      const { snapshot } = item
      const { request, root, targets } = snapshot
      const version = versionOf(snapshot)
      return targets.flatMap((target): readonly Comer[] => {
        if (target.kind === 'unread') return []
        return [
          {
            image: request.image,
            root: root.digest,
            repository: target.repository,
            version: isDrayError(version) ? undefined : version?.version,
            tags: (beside) => wantedAt(request, version, target.listed ?? [], beside),
          },
        ]
      })
    }),
  )
}

function decideImage(snapshot: Snapshot, batch: Batch, policy: TagRunPolicy): ImageInPlace {
  const { request, root, targets } = snapshot
  const { image, environment, at } = request
  const version = versionOf(snapshot)
  return {
    image,
    ...(environment !== undefined && { environment }),
    ...('tag' in at && { tag: at.tag }),
    root,
    errors: isDrayError(version) ? [version] : [],
    targets: targets.map((target) => decideTarget(snapshot, target, batch, policy)),
  }
}

function decideTarget(
  snapshot: Snapshot,
  target: TargetSnapshot | UnreadTarget,
  batch: Batch,
  { moveTags }: TagRunPolicy,
): TargetInPlace {
  const { request, root } = snapshot
  const { repository } = target
  if (target.kind === 'unread') return { repository, decided: undefined, errors: [target.error] }
  const version = versionOf(snapshot)
  const wanted = wantedAt(request, version, target.listed ?? [], batch.versionsAt(repository))
  const decided = decideTags(
    { image: request.image, repository, root: root.digest, ...wanted },
    target.tags,
    {
      immutable: request.immutable,
      moveTags,
      buildMetadata: request.policy.buildMetadata,
    },
  )
  const tags = decided.waves.flat()
  const errors = [
    ...(target.hasRoot ? [] : [notHere(snapshot, target)]),
    ...decided.refusals,
    ...tags.flatMap(({ tag }) => batch.contested.get(formatAt(repository, { tag })) ?? []),
  ]
  return { repository, decided, errors }
}

function notHere({ request, root }: Snapshot, { repository }: TargetSnapshot): DrayError {
  const { image, environment = 'its place' } = request
  return new DrayError('refused', `${image} is not in every target of ${environment}`, {
    subject: formatAt(repository, { digest: root.digest }),
    why: `${formatRepository(repository)} does not have it`,
    hint: 'Promote it first: a promotion brings it to all of them.',
  })
}
