import type { Rule } from '../../../config/retention/policy.ts'
import type { Why } from '../../../plan/prune/prune-plan.ts'
import type { MissingContent } from '../records/history.ts'
import { formatSpan } from './age.ts'

/** The verdict of a rule on the tag of an attached artifact whose subject is missing. */
export interface OrphanVerdict {
  readonly isDeleted: boolean
  readonly why: Why
}

/**
 * Applies the first rule of the kind `orphaned` to attached artifacts without their subject, by
 * tag. Age counts from the first run that saw them. Pure.
 */
export function judgeOrphans(
  rules: readonly Rule[],
  orphaned: ReadonlyMap<string, MissingContent>,
  now: number,
): ReadonlyMap<string, OrphanVerdict> {
  const rule = rules.find(({ kind }) => kind === 'orphaned')
  if (rule === undefined) return new Map()
  return new Map(
    [...orphaned].map(([tag, { digests, since }]) => {
      const { isOld, text } = describeMissing(rule, since, now)
      const subject = digests[0]?.slice(0, 19) ?? 'unknown'
      const why: Why = isOld
        ? {
            kind: 'rule',
            by: rule.name,
            text: `${rule.name}: orphaned, its subject ${subject} has been ${text}`,
          }
        : { kind: 'evidence', text: `orphaned: its subject ${subject} has been ${text} (${rule.name})` }
      return [tag, { isDeleted: isOld, why }]
    }),
  )
}

/** Whether something has been missing for longer than a rule wants. Pure. */
function describeMissing(
  { olderThan = 0 }: Rule,
  since: number,
  now: number,
): { readonly isOld: boolean; readonly text: string } {
  const age = now - since
  const isOld = age > olderThan
  const text = `missing for ${formatSpan(age)}, ${isOld ? 'older' : 'not older'} than ${formatSpan(olderThan)}`
  return { isOld, text }
}
