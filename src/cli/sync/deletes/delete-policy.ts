import { digestOf } from '../../../oci/digest.ts'
import type { SyncRule } from '../../../config/sync/sync-rule.ts'
import type { ChosenTags } from '../../prune/chosen-tags/delete-policy.ts'
import type { DeletableTags } from './exclusive-repository.ts'
import { withSyncReasons } from './sync-reasons.ts'

/** The tags that a sync rule deletes, as a choice for a prune. */
export function chosenBy(rule: SyncRule, deletable: readonly DeletableTags[]): ChosenTags {
  const { maxDeletes, maxPercent } = rule.delete ?? {}
  return {
    rule: rule.name,
    reason: `the sync rule ${rule.name} does not select it`,
    policyName: policyNameOf([rule]),
    hash: rule.hash,
    limits: {
      ...(maxDeletes !== undefined && { maxDeletes }),
      ...(maxPercent !== undefined && { maxPercent }),
    },
    repositories: deletable.map((one) => ({
      repository: one.repository.target.repository,
      tags: one.tags,
      explain: (plan) => withSyncReasons(plan, one),
    })),
  }
}

/** `sync hub, base`: the name of the policy in the plan of the deletes of these rules. */
export function policyNameOf(rules: readonly Pick<SyncRule, 'name'>[]): string {
  return `sync ${[...new Set(rules.map(({ name }) => name))].join(', ')}`
}

/** The hash of the rules that delete, in any order. */
export function hashOfRules(rules: readonly Pick<SyncRule, 'hash'>[]): string {
  return digestOf(JSON.stringify(rules.map(({ hash }) => hash).toSorted()))
}
