import type { SyncRule } from '../../../config/sync/sync-rule.ts'

/**
 * Whether a list of the source is shorter than the last accepted one by more than `maxPercent`
 * of the rule. Without that limit, no list is too short. Pure.
 * @param before the tags of the last accepted list; undefined: there is none
 */
export function isTooShort(
  rule: Pick<SyncRule, 'delete'>,
  before: number | undefined,
  tags: readonly string[],
): boolean {
  const { maxPercent } = rule.delete ?? {}
  if (maxPercent === undefined || before === undefined) return false
  return (before - tags.length) * 100 > maxPercent * before
}

/**
 * Returns the length that the next list of the source is compared with. A list that is too short is
 * not accepted: dray would otherwise delete in the next run what it does not delete in this one.
 * Pure.
 */
export function acceptedSourceTags(
  rule: Pick<SyncRule, 'delete'>,
  before: number | undefined,
  tags: readonly string[],
): number {
  return before !== undefined && isTooShort(rule, before, tags) ? before : tags.length
}
