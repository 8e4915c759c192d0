import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import type { TagDrift } from '../../plan/sync/drift.ts'
import { isHoldTag } from '../../images/holds/hold-tag.ts'
import type { DestinationSnapshot, SyncSnapshot } from './snapshot.ts'

/**
 * Returns the tags of an exclusive destination that the rule does not select. Tags of attached
 * artifacts and of holds belong to their images. Pure.
 */
export function extraTags(
  snapshot: SyncSnapshot,
  { target, tags, seenAt, digests }: DestinationSnapshot,
): readonly TagDrift[] {
  const { request, selection, sourceTags } = snapshot
  if (request.rule.delete === undefined || tags === undefined) return []
  const wanted = new Set([...selection.tags.map(({ tag }) => tag), ...selection.undecided])
  const atSource = new Set(sourceTags)
  return tags.flatMap((tag): readonly TagDrift[] => {
    if (wanted.has(tag) || isEvidenceTag(tag) || isHoldTag(tag)) return []
    const since = new Date(absentSince(tag, { target, seenAt })).toISOString()
    const reason = atSource.has(tag)
      ? `the rule ${request.rule.name} does not select it since ${since}`
      : `the source does not have it since ${since}`
    return [{ tag, state: 'extra', source: null, destination: digests.get(tag) ?? null, reason }]
  })
}

/**
 * Returns the first run in which a tag was extra, in milliseconds since 1970. A time in the future
 * is that of a wrong clock: its grace period would not end. Pure.
 */
export function absentSince(
  tag: string,
  { target, seenAt }: Pick<DestinationSnapshot, 'target' | 'seenAt'>,
): number {
  return Math.min(target.state.absentSince.get(tag) ?? seenAt, seenAt)
}
