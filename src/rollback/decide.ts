import { DrayError } from '../errors.ts'
import { formatRepository } from '../oci/reference.ts'
import { decideTags } from '../plan/decide-tags.ts'
import { planInPlace, type TargetInPlace } from '../plan/in-place.ts'
import type { Hash, Plan } from '../plan/plan.ts'
import { formatVersion } from '../semver/version.ts'
import type { UnreadTarget } from '../store/unread.ts'
import type { Snapshot, TargetSnapshot } from './snapshot.ts'
import { rollbackTags } from './wanted.ts'

export interface RollbackPolicy {
  /** tags that do not move are moved all the same */
  readonly moveTags: boolean
  /** hash of the configuration and flags that this policy came from */
  readonly hash: Hash
  /** version of dray */
  readonly tool: string
}

/** The floating tags that go back, in all targets or in none: pure. */
export function decide(snapshot: Snapshot, policy: RollbackPolicy, now: Date): Plan {
  const { request, release, targets } = snapshot
  const { image, environment } = request
  const inPlace = {
    image,
    ...(environment !== undefined && { environment }),
    tag: release.tag.tag,
    root: release.root,
    errors: [],
    targets: targets.map((target) => decideTarget(snapshot, target, policy)),
  }
  return planInPlace([inPlace], { operation: 'rollback', policy: policy.hash, tool: policy.tool, now })
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

function notHere({ request, release }: Snapshot, { repository }: TargetSnapshot): DrayError {
  const version = formatVersion(release.tag.version)
  return new DrayError('refused', `${request.image} ${version} is not the same in every target`, {
    subject: formatRepository(repository),
    why: `it has no version tag ${version} on ${release.root.digest}`,
    hint: 'Promote that version again: a promotion brings it to all targets.',
  })
}
