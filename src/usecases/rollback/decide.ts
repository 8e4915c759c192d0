import { DrayError } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import { decideTags } from '../../plan/decide-tags.ts'
import type { Plan } from '../../plan/plan.ts'
import { formatVersion } from '../../semver/version.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'
import { planImages, type PlacingPolicy } from '../placing/plan-images.ts'
import { type TaggedTarget, taggingDecision } from '../placing/tagged-image.ts'
import type { RollbackRequest } from './request.ts'
import { decideRollbackTags } from './rollback-tags.ts'
import type { RollbackSnapshot, RollbackTarget } from './snapshot.ts'

/** Decides which floating tags go back, in all targets or in none: pure. */
export function decide(snapshot: RollbackSnapshot, policy: PlacingPolicy, now: Date): Plan {
  const { request, release } = snapshot
  const { image, environment } = request
  const targets = snapshot.targets.map((target) => decideTarget(snapshot, target, policy))
  const hasNothing = targets.every((target) => hasNothingToMove(target, request))
  const decision = {
    image,
    environment,
    tag: release.tag.tag,
    root: release.root,
    errors: hasNothing ? [nothingToMove(snapshot, targets)] : [],
    targets,
  }
  return planImages<RollbackRequest, RollbackSnapshot>(
    [{ kind: 'read', snapshot }],
    { operation: 'rollback', policy, now },
    (_, id) => taggingDecision(decision, id),
  )
}

function decideTarget(
  { request, release }: RollbackSnapshot,
  target: RollbackTarget | UnreadTarget,
  { moveTags }: PlacingPolicy,
): TaggedTarget {
  const { repository } = target
  if (target.kind === 'unread') return { repository, tags: undefined, errors: [target.error] }
  const { exact, listed } = target
  if (exact === undefined)
    return { repository, tags: undefined, errors: [notInTarget(request, release, target)] }
  const root = release.root.digest
  const version = decideRollbackTags(release.tag, exact, listed, request)
  const wanted = { image: request.image, repository, root, former: target.former, plain: [], version }
  const decided = decideTags(wanted, target.tags, {
    immutable: request.immutable,
    moveTags,
    reading: request.policy,
    backward: 'rollback',
  })
  // a floating tag goes back only while the version tag is still on the release
  const expect = [{ kind: 'tag', repository, tag: exact, digest: root }] as const
  const waves = decided.waves.map((wave) =>
    wave.flatMap((tag) => (tag.tag === exact ? [] : [{ ...tag, expect }])),
  )
  return { repository, tags: { ...decided, waves }, errors: decided.refusals }
}

/**
 * Whether no tag points or will point to the release. Without `--to`, some tags may point to it,
 * but then the current-version tag does not, and does not move.
 */
function hasNothingToMove({ tags, errors }: TaggedTarget, { to }: RollbackRequest): boolean {
  if (tags === undefined || errors.length > 0) return false
  return tags.waves.flat().every(({ change }) => to === undefined && change === 'unchanged')
}

function nothingToMove({ request, release }: RollbackSnapshot, targets: readonly TaggedTarget[]): DrayError {
  const version = formatVersion(release.tag.version)
  const { keptTags = [], waves = [] } = targets[0]?.tags ?? {}
  const reasons = [
    ...waves.flat().map(({ tag }) => `${tag} is up to date`),
    ...keptTags.map(({ tag, reason }) => `${tag}: ${reason}`),
  ]
  return new DrayError('refused', `${request.image} has no floating tag to move to ${version}`, {
    why: reasons.length === 0 ? 'its tag policy maintains no floating tag' : reasons.join('; '),
    hint: 'Move a tag by its name: dray tag IMAGE:VERSION --tags TAG',
  })
}

function notInTarget(
  { image }: RollbackRequest,
  { tag, root }: RollbackSnapshot['release'],
  { repository }: RollbackTarget,
): DrayError {
  const version = formatVersion(tag.version)
  return new DrayError('refused', `${image} ${version} is not the same in every target`, {
    subject: formatRepository(repository),
    why: `it has no version tag ${version} that points to ${root.digest}`,
    hint: 'Promote that version again. A promotion copies it to all targets.',
  })
}
