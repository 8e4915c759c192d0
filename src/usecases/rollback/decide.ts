import { DrayError } from '../../lib/errors.ts'
import { formatRepository } from '../../oci/reference.ts'
import { decideTags } from '../../plan/decide-tags.ts'
import { planInPlace, type TargetInPlace } from '../../plan/in-place.ts'
import type { Hash, Plan } from '../../plan/plan.ts'
import { formatVersion } from '../../semver/version.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'
import type { Request, Snapshot, TargetSnapshot } from './snapshot.ts'
import { rollbackTags } from './wanted.ts'

export interface RollbackPolicy {
  /** tags that do not move are moved all the same */
  readonly moveTags: boolean
  /** targets that are ready need not wait for the others */
  readonly partial: boolean
  /** hash of the configuration and flags that this policy came from */
  readonly hash: Hash
  /** version of dray */
  readonly tool: string
}

/** The floating tags that go back, in all targets or in none: pure. */
export function decide(snapshot: Snapshot, policy: RollbackPolicy, now: Date): Plan {
  const { request, release, targets } = snapshot
  const { image, environment } = request
  const decided = targets.map((target) => decideTarget(snapshot, target, policy))
  const inPlace = {
    image,
    ...(environment !== undefined && { environment }),
    tag: release.tag.tag,
    root: release.root,
    errors: decided.every((one) => hasNothing(one, request)) ? [nothingThere(snapshot, decided)] : [],
    targets: decided,
  }
  return planInPlace([inPlace], {
    operation: 'rollback',
    policy: policy.hash,
    tool: policy.tool,
    partial: policy.partial,
    now,
  })
}

function decideTarget(
  snapshot: Snapshot,
  target: TargetSnapshot | UnreadTarget,
  { moveTags }: RollbackPolicy,
): TargetInPlace {
  const { request, release } = snapshot
  const { repository } = target
  if (target.kind === 'unread') return { repository, decided: undefined, errors: [target.error] }
  const { exact, listed, tags } = target
  if (exact === undefined) return { repository, decided: undefined, errors: [notHere(snapshot, target)] }
  const root = release.root.digest
  const version = rollbackTags(release.tag, exact, listed, request)
  const decided = decideTags({ image: request.image, repository, root, plain: [], version }, tags, {
    immutable: request.immutable,
    moveTags,
    buildMetadata: request.policy.buildMetadata,
    backward: 'rollback',
  })
  // a tag goes back only as long as the release is still what it was
  const expect = [{ kind: 'tag', repository, tag: exact, digest: root }] as const
  const waves = decided.waves.map((wave) =>
    wave.flatMap((tag) => (tag.tag === exact ? [] : [{ ...tag, expect }])),
  )
  return { repository, decided: { ...decided, waves }, errors: decided.refusals }
}

/**
 * Whoever follows its tags stays where they are: none of them is or will be on the release. Where the release is the one before what is current, some may
 * be on it, but then the tag that says what is current is another, and stays.
 */
function hasNothing({ decided, errors }: TargetInPlace, { to }: Request): boolean {
  if (decided === undefined || errors.length > 0) return false
  return decided.waves.flat().every(({ change }) => to === undefined && change === 'unchanged')
}

function nothingThere({ request, release }: Snapshot, targets: readonly TargetInPlace[]): DrayError {
  const version = formatVersion(release.tag.version)
  const { held = [], waves = [] } = targets[0]?.decided ?? {}
  const reasons = [
    ...waves.flat().map(({ tag }) => `${tag}: it is there already`),
    ...held.map(({ tag, reason }) => `${tag}: ${reason}`),
  ]
  return new DrayError('refused', `${request.image} has no floating tag that could go to ${version}`, {
    why: reasons.length === 0 ? 'its rules for tags keep up none' : reasons.join('; '),
    hint: 'Put the tag that is followed on it by name: dray tag IMAGE:VERSION --tags TAG.',
  })
}

function notHere({ request, release }: Snapshot, { repository }: TargetSnapshot): DrayError {
  const version = formatVersion(release.tag.version)
  return new DrayError('refused', `${request.image} ${version} is not the same in every target`, {
    subject: formatRepository(repository),
    why: `it has no version tag ${version} on ${release.root.digest}`,
    hint: 'Promote that version again: a promotion brings it to all targets.',
  })
}
