import { formatRepository } from '../../oci/reference.ts'
import { checkConsistency } from '../consistency.ts'
import { invalidPlan } from '../invalid-plan.ts'
import { checkPruneConsistency } from '../prune/prune-consistency.ts'
import type { SyncPlan } from './sync-plan.ts'

/**
 * Checks that a plan of a sync does what it shows: its placements as those of every plan, each by a
 * rule of the plan, and deletes only in destination repositories of these rules.
 * @throws `malformed`.
 */
export function checkSyncConsistency(plan: SyncPlan, name: string): void {
  checkConsistency(plan, name)
  const rules = new Set(plan.rules.map((rule) => rule.name))
  if (rules.size < plan.rules.length) throw invalidPlan(name, 'a rule occurs twice')
  for (const { id, rule } of plan.placements)
    if (rule === undefined || !rules.has(rule))
      throw invalidPlan(name, `${id} belongs to no rule of the plan`)
  for (const { rule } of plan.drift)
    if (!rules.has(rule))
      throw invalidPlan(name, `the differences name ${rule}, which is no rule of the plan`)
  if (plan.deletes === undefined) {
    if (plan.executesDeletes) throw invalidPlan(name, 'executes deletes and has none')
    return
  }
  checkPruneConsistency(plan.deletes, name)
  const keyOf = (rule: string, to: string): string => JSON.stringify([rule, to])
  const destinations = new Set(plan.drift.map(({ rule, to }) => keyOf(rule, formatRepository(to))))
  for (const { rule, repository } of plan.deletes.repositories) {
    const where = formatRepository(repository)
    if (rule === undefined || !destinations.has(keyOf(rule, where)))
      throw invalidPlan(name, `deletes in ${where}, which is no destination of the rule ${rule ?? ''}`.trim())
  }
}
