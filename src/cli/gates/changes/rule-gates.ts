import type { LoadedConfig } from '../../../config/parse.ts'
import { gatesAt } from '../../../config/gates/gates-at.ts'
import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import type { ApplicableGate } from '../../../gates/gate-request.ts'
import type { Placement, Plan } from '../../../plan/plan.ts'

/** The gates of sync rules, by the name of the rule. */
export type RuleGates = ReadonlyMap<string, SyncRule['gates']>

export const noRuleGates: RuleGates = new Map()

export function ruleGates(rules: readonly SyncRule[]): RuleGates {
  return new Map(rules.flatMap(({ name, gates }) => (gates.length === 0 ? [] : [[name, gates] as const])))
}

/**
 * Reads the gates of the rules that a plan names from today's `dray.yaml`. A plan of another
 * operation names none, and nothing is loaded.
 * @throws `config`.
 */
export async function ruleGatesOf(
  { placements }: Pick<Plan, 'placements'>,
  loaded: LoadedConfig,
): Promise<RuleGates> {
  if (placements.every(({ rule }) => rule === undefined)) return noRuleGates
  const { syncRulesOf } = await import('../../../config/sync/sync-rules.ts')
  return ruleGates(syncRulesOf(loaded))
}

/**
 * The gates of a placement: those of every environment that has the repository, and those of its
 * sync rule.
 */
export function gatesOfPlacement(
  { image, to, rule }: Pick<Placement, 'image' | 'to' | 'rule'>,
  { config }: Pick<LoadedConfig, 'config'>,
  rules: RuleGates,
): readonly ApplicableGate[] {
  const ofRule = rules.get(rule ?? '') ?? []
  const name = image.slice(0, image.lastIndexOf(':'))
  return [...gatesAt(config, to.repository), ...ofRule.map((gate) => ({ gate, image: name }))]
}
