import type { Digest } from '../../oci/digest.ts'
import { formatPlatform } from '../../oci/platform.ts'
import type { TagComparison } from './compare-tag.ts'
import { acceptedSourceTags } from './deletes/source-length.ts'
import { absentSince, extraTags } from './extra-tags.ts'
import type { DestinationSnapshot, SyncSnapshot } from './snapshot.ts'
import { type DestinationState, platformsOfBoth } from './sync-state.ts'

/**
 * Returns the state of a destination for the next run, if everything that the plan does there
 * succeeds. Tags and digests that are gone are forgotten. Pure.
 */
export function nextState(
  snapshot: SyncSnapshot,
  destination: DestinationSnapshot,
  compared: readonly TagComparison[],
): DestinationState {
  const { readAt, sourceTags, source, request } = snapshot
  const selected = request.rule.platforms?.map(formatPlatform)
  const { state } = destination.target
  // An image that could not be read may still lack the platforms that an earlier run omitted.
  const platforms = snapshot.unread.size === 0 ? selected : platformsOfBoth(selected, state.platforms)
  const known = new Set([...(destination.tags ?? []), ...source.keys()])
  const written = new Map([...state.written].filter(([tag]) => known.has(tag)))
  const searchedAt = new Map<Digest, number>()
  for (const { tag, source: digest, state: found } of compared) {
    if (found !== 'kept' && found !== 'changed') written.set(tag, digest)
    // a promotion searches the children of what it copies
    const isCopied = snapshot.evidence && (found === 'missing' || found === 'moved')
    const isSearched = isCopied || destination.childrenSearched.has(digest)
    const at = isSearched ? readAt : state.childrenSearchedAt.get(digest)
    if (at !== undefined) searchedAt.set(digest, Math.max(at, searchedAt.get(digest) ?? 0))
  }
  const settled = new Set(
    compared.flatMap(({ tag, state: found }) => (found === 'kept' || found === 'changed' ? [] : [tag])),
  )
  const intents = [...(state.beingWritten ?? [])].filter(([tag]) => known.has(tag) && !settled.has(tag))
  return {
    written,
    ...(intents.length > 0 && { beingWritten: new Map(intents) }),
    absentSince: absentTags(snapshot, destination),
    childrenSearchedAt: searchedAt,
    ...(platforms !== undefined && { platforms }),
    sourceTags: acceptedSourceTags(snapshot.request.rule, state.sourceTags, sourceTags),
    succeededAt: readAt,
  }
}

function absentTags(
  snapshot: SyncSnapshot,
  destination: DestinationSnapshot,
): DestinationState['absentSince'] {
  const extra = extraTags(snapshot, destination)
  return new Map(extra.map(({ tag }) => [tag, absentSince(tag, destination)] as const))
}
