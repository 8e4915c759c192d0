import type { Config } from '../../../config/config.ts'
import type { Limits, Protection, RetentionPolicy, Rule } from '../../../config/retention/policy.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { RepositoryPlan } from '../../../plan/prune/prune-plan.ts'
import { applyPolicy, type PruneScope, type ScopedRepository } from '../prune-scope.ts'

/** The tags that something else than a retention rule chose for deletion. */
export interface ChosenTags {
  /** what chose them, such as the name of a sync rule */
  readonly rule: string
  /** why it deletes a tag: `the sync rule hub does not select it` */
  readonly reason: string
  /** the name of the policy in the plan: `sync hub` */
  readonly policyName: string
  /** `sha256:` and hex */
  readonly hash: string
  /** they stop only the deletes of this choice */
  readonly limits: Limits
  readonly repositories: readonly TagsOfRepository[]
}

interface TagsOfRepository {
  readonly repository: RepositoryName
  readonly tags: readonly string[]
  /** Adds reasons to the plan of the repository. */
  readonly explain?: (plan: RepositoryPlan) => RepositoryPlan
}

/**
 * Returns the protections of all retention policies. With several policies, their names begin with
 * that of the policy. Each may match nothing in the repositories of a run.
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

/** The retention policy of chosen tags. Its rules differ in each repository. */
export function deletePolicy(
  { policyName, hash, limits }: Omit<ChosenTags, 'repositories'>,
  protect: readonly Protection[],
): RetentionPolicy {
  return {
    name: policyName,
    protect,
    rules: [],
    limits,
    timeFrom: ['annotation', 'config'],
    hiddenRules: [],
    doubtfulRanges: [],
    hash,
  }
}

/** The repositories to delete in, each with a rule that selects exactly the chosen tags. */
export function scopeOfDeletes(
  retention: RetentionPolicy,
  { repositories, ...choice }: Pick<ChosenTags, 'rule' | 'reason' | 'repositories'>,
  config: Config,
): PruneScope {
  return {
    repositories: repositories.map((one) => scopedRepository(retention, choice, one, config)),
    isWhole: false,
    isNamed: false,
    unmatched: [],
    protections: retention.protect.map(({ name, optional }) => ({ name, optional })),
  }
}

function scopedRepository(
  retention: RetentionPolicy,
  { rule, reason }: Pick<ChosenTags, 'rule' | 'reason'>,
  { repository, tags }: TagsOfRepository,
  config: Config,
): ScopedRepository {
  const scoped = applyPolicy(retention, repository, config)
  const selecting: Rule = {
    name: rule,
    kind: 'tags',
    tags: { kind: 'glob', globs: tags },
    orderBy: { by: 'name' },
    reason,
  }
  return { ...scoped, policy: { ...scoped.policy, rules: [selecting] } }
}
