import type { Rule } from '../../../config/retention/policy.ts'
import type { Why } from '../../../plan/prune/prune-plan.ts'
import type { MissingContent } from '../records/history.ts'
import { formatSpan } from './age.ts'

/** The verdict of a rule on the tag of an attached artifact whose subject is missing. */
export interface OrphanVerdict {
  readonly isDeleted: boolean
  readonly why: Why
  /** the reason without the name of the rule */
  readonly text: string
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
      const { isOld, text: period } = describeMissing(rule, since, now)
      const subject = digests[0]?.slice(0, 19) ?? 'unknown'
      const text = `its subject ${subject} has been ${period}`
      const named = `${rule.name}: ${text}`
      const why: Why = isOld
        ? { kind: 'rule', by: rule.name, text: named }
        : { kind: 'evidence', text: named }
      return [tag, { isDeleted: isOld, why, text }]
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
  const text = `missing for ${formatSpan(age)}, ${isOld ? 'longer' : 'not longer'} than ${formatSpan(olderThan)}`
  return { isOld, text }
}
