import type { Config } from '../../../config/config.ts'
import type { Protection, RetentionPolicy, Rule } from '../../../config/retention/policy.ts'
import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import { applyPolicy, type PruneScope, type ScopedRepository } from '../../prune/prune-scope.ts'
import type { DeletableTags } from './exclusive-repository.ts'

/**
 * Returns the protections of all retention policies. With several policies, their names begin with
 * that of the policy. Each may match nothing in the repositories of a sync.
 */
export function protectionsOf(policies: readonly RetentionPolicy[]): readonly Protection[] {
  return policies.flatMap(({ name, protect }) =>
    protect.map((one) => ({
      ...one,
      optional: true,
      ...(policies.length > 1 && { name: `${name ?? 'retention'}: ${one.name}` }),
    })),
  )
}

/** The retention policy of the deletes of a sync rule. Its rules differ in each repository. */
export function deletePolicy(rule: SyncRule, protect: readonly Protection[]): RetentionPolicy {
  const { maxDeletes, maxPercent } = rule.delete ?? {}
  return {
    name: policyNameOf([rule]),
    protect,
    rules: [],
    limits: {
      ...(maxDeletes !== undefined && { maxDeletes }),
      ...(maxPercent !== undefined && { maxPercent }),
    },
    timeFrom: ['annotation', 'config'],
    hiddenRules: [],
    doubtfulRanges: [],
    hash: rule.hash,
  }
}

/** `sync hub, base`: the name of the policy in the plan of the deletes of these rules. */
export function policyNameOf(rules: readonly Pick<SyncRule, 'name'>[]): string {
  return `sync ${[...new Set(rules.map(({ name }) => name))].join(', ')}`
}

/** The repositories to delete in, each with a rule that selects exactly the given tags. */
export function scopeOfDeletes(
  retention: RetentionPolicy,
  deletable: readonly DeletableTags[],
  config: Config,
): PruneScope {
  return {
    repositories: deletable.map((one) => scopedRepository(retention, one, config)),
    isWhole: false,
    isNamed: false,
    unmatched: [],
    protections: retention.protect.map(({ name, optional }) => ({ name, optional })),
  }
}

function scopedRepository(
  retention: RetentionPolicy,
  { repository: { rule, target }, tags }: DeletableTags,
  config: Config,
): ScopedRepository {
  const scoped = applyPolicy(retention, target.repository, config)
  const selecting: Rule = {
    name: rule.name,
    kind: 'tags',
    tags: { kind: 'glob', globs: tags },
    orderBy: { by: 'name' },
    reason: `the sync rule ${rule.name} does not select it`,
  }
  return { ...scoped, policy: { ...scoped.policy, rules: [selecting] } }
}
