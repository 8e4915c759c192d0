import type { Digest } from '../../../oci/digest.ts'
import { type DestinationState, platformsOfBoth } from '../../../usecases/sync/sync-state.ts'

/**
 * Returns the state to write if another run of the rule wrote one since this run read it: the
 * current state with what this run changed. Pure.
 * @param before what this run read
 * @param after what this run wants to write
 * @param current what the file has now
 */
export function mergeStates(
  before: DestinationState,
  after: DestinationState,
  current: DestinationState,
): DestinationState {
  const sourceTags = after.sourceTags ?? current.sourceTags
  const platforms = mergePlatforms(before.platforms, after.platforms, current.platforms)
  // A later time can be that of a wrong clock.
  const isOwn = after.succeededAt !== undefined && after.succeededAt !== before.succeededAt
  const succeededAt = isOwn ? after.succeededAt : current.succeededAt
  const beingWritten = mergeIntents(before.beingWritten, after.beingWritten, current.beingWritten)
  return {
    written: mergeMaps(before.written, after.written, current.written),
    ...(beingWritten.size > 0 && { beingWritten }),
    absentSince: mergeMaps(before.absentSince, after.absentSince, current.absentSince),
    childrenSearchedAt: mergeMaps(
      before.childrenSearchedAt,
      after.childrenSearchedAt,
      current.childrenSearchedAt,
    ),
    ...(platforms !== undefined && { platforms }),
    ...(sourceTags !== undefined && { sourceTags }),
    ...(succeededAt !== undefined && { succeededAt }),
  }
}

/** The entries of `current`, with those that differ between `before` and `after`. */
function mergeMaps<K, V>(
  before: ReadonlyMap<K, V>,
  after: ReadonlyMap<K, V>,
  current: ReadonlyMap<K, V>,
): ReadonlyMap<K, V> {
  const merged = new Map(current)
  for (const key of before.keys()) if (!after.has(key)) merged.delete(key)
  for (const [key, value] of after) if (before.get(key) !== value) merged.set(key, value)
  return merged
}

/** If both runs changed the platforms, an image is complete only with those of both. */
function mergePlatforms(
  before: DestinationState['platforms'],
  after: DestinationState['platforms'],
  current: DestinationState['platforms'],
): DestinationState['platforms'] {
  const isSame = (one: DestinationState['platforms']): boolean =>
    JSON.stringify(one) === JSON.stringify(before)
  if (isSame(current)) return after
  return isSame(after) ? current : platformsOfBoth(after, current)
}

/** The intents of `current`, without those that `after` has no more, and with its new ones. */
function mergeIntents(
  before: Intents = new Map(),
  after: Intents = new Map(),
  current: Intents = new Map(),
): Intents {
  const tags = [...new Set([...current.keys(), ...after.keys()])]
  return new Map(
    tags.flatMap((tag) => {
      const [was, is] = [new Set(before.get(tag)), new Set(after.get(tag))]
      const others = (current.get(tag) ?? []).filter((digest) => !was.has(digest))
      const digests = [...new Set([...others, ...is])]
      return digests.length === 0 ? [] : [[tag, digests] as const]
    }),
  )
}

type Intents = ReadonlyMap<string, readonly Digest[]>
