import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import { isHoldTag } from '../../../images/holds/hold-tag.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import type { DestinationState } from '../sync-state.ts'
import { isTooShort } from './source-length.ts'

/** One destination repository of a rule that deletes, as a run read it. */
export interface ExtraTagsInput {
  readonly rule: Pick<SyncRule, 'name' | 'delete'>
  /** tags of the destination that the rule does not select */
  readonly extra: readonly string[]
  /** tags that the rule selects at the source */
  readonly selected: ReadonlySet<string>
  /** the complete list of the source; undefined: it could not be read */
  readonly sourceTags: readonly string[] | undefined
  /** the tags of the last list of the source that was accepted; undefined: it is unknown */
  readonly sourceTagsBefore?: number | undefined
  /** the state that this run keeps: with the first run in which each tag was extra */
  readonly state: Pick<DestinationState, 'absentSince'>
  /** milliseconds since 1970 */
  readonly now: number
}

/** The extra tags that may be deleted, and why others may not. */
export interface ExtraTagsDecision {
  readonly tags: readonly string[]
  /** tags whose grace period has not ended, each with its end, in milliseconds since 1970 */
  readonly waiting: ReadonlyMap<string, number>
  /** why nothing is deleted in the repository: a whole sentence with the fix */
  readonly held?: string
}

/**
 * Decides which extra tags of a destination may be deleted: none if the source is unreadable, empty
 * or much shorter than before, and each only after the grace period. Tags of attached artifacts and
 * of holds belong to their images and are never extra. Pure.
 */
export function decideExtraDeletes(input: ExtraTagsInput): ExtraTagsDecision {
  const { rule, extra, selected, state, now } = input
  const none = new Map<string, number>()
  if (rule.delete === undefined) return { tags: [], waiting: none }
  const candidates = extra.filter((tag) => !selected.has(tag) && !isEvidenceTag(tag) && !isHoldTag(tag))
  if (candidates.length === 0) return { tags: [], waiting: none }
  const held = whyHeld(input)
  if (held !== undefined) return { tags: [], waiting: none, held }
  const { gracePeriod } = rule.delete
  if (gracePeriod === 0) return { tags: candidates, waiting: none }
  const ends = candidates.map((tag) => [tag, (state.absentSince.get(tag) ?? now) + gracePeriod] as const)
  return {
    tags: ends.flatMap(([tag, end]) => (end <= now ? [tag] : [])),
    waiting: new Map(ends.filter(([, end]) => end > now)),
  }
}

function whyHeld({ rule, selected, sourceTags, sourceTagsBefore }: ExtraTagsInput): string | undefined {
  if (sourceTags === undefined) return 'dray deletes nothing, because the source could not be read'
  const images = sourceTags.filter((tag) => !isEvidenceTag(tag) && !isHoldTag(tag))
  if (images.length === 0)
    return 'dray deletes nothing, because the source has no tags. If that is right, delete the destination repository with a retention rule.'
  if (selected.size === 0)
    return `dray deletes nothing, because the rule ${rule.name} selects no tag of the source. Check its include and exclude.`
  if (!isTooShort(rule, sourceTagsBefore, sourceTags)) return undefined
  const { maxPercent } = rule.delete ?? {}
  return `dray deletes nothing, because the source has ${sourceTags.length} tags, and ${sourceTagsBefore} before: that is shorter by more than maxPercent ${maxPercent}. If that is right, raise delete.limits.maxPercent of the rule ${rule.name} for one run.`
}
