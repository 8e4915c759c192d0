import type { RepositoryPlan, Why } from '../../../plan/prune/prune-plan.ts'
import type { DeletableTags } from './exclusive-repository.ts'

/**
 * Returns the plan of an exclusive destination with the name of its rule, and with the reasons of
 * the sync for the tags that the rule selects and for those that wait. Pure.
 */
export function withSyncReasons(
  plan: RepositoryPlan,
  { repository: { rule, selected }, waiting }: DeletableTags,
): RepositoryPlan {
  const reasonOf = (tag: string, why: Why): Why => {
    if (why.kind !== 'unmatched') return why
    if (selected.has(tag)) return { ...why, text: `the sync rule ${rule.name} selects it` }
    const end = waiting.get(tag)
    if (end === undefined) return why
    return { ...why, text: `its grace period ends at ${new Date(end).toISOString()}` }
  }
  return {
    ...plan,
    rule: rule.name,
    tags: plan.tags.map((one) => ({ ...one, why: reasonOf(one.tag, one.why) })),
  }
}
