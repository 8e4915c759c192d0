import { formatRepository } from '../../oci/reference.ts'
import { hashOfPlan } from '../../plan/plan-hash.ts'
import type { PruneOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'

/**
 * What `--json` prints of a plan to delete: every tag and manifest with its verdict and reason, and the sums.
 * @param configuration path of the configuration file in use
 */
export function planDocument(plan: PrunePlan, configuration: string | undefined): object {
  return {
    hash: hashOfPlan(plan),
    plan,
    totals: totalsOf(plan.repositories),
    configuration: configuration ?? null,
  }
}

/** What `--json` prints of a prune that was carried out. */
export function outcomeDocument(plan: PrunePlan, outcome: PruneOutcome, durationMs: number): object {
  const plans = new Map(plan.repositories.map((one) => [formatRepository(one.repository), one]))
  const repositories = outcome.repositories.map((one) => {
    const planned = plans.get(formatRepository(one.repository))
    return { ...one, tags: planned?.tags ?? [], others: planned?.others ?? [] }
  })
  const sum = (of: (one: PruneOutcome['repositories'][number]) => number): number =>
    outcome.repositories.reduce((total, one) => total + of(one), 0)
  return {
    operation: plan.operation,
    plan: hashOfPlan(plan),
    ...(plan.policyName !== undefined && { policy: plan.policyName }),
    inUse: plan.inUse,
    repositories,
    refusals: outcome.refusals,
    totals: {
      repositories: repositories.length,
      images: totalsOf(plan.repositories).images,
      deletedImages: sum(({ images }) => images),
      deleted: sum(({ deleted }) => deleted),
      untagged: sum(({ untagged }) => untagged),
      kept: sum(({ kept }) => kept),
      conflicts: sum(({ conflicts }) => conflicts),
      failed: sum(({ failed }) => failed),
      freed: sum(({ freed }) => freed),
    },
    durationMs,
  }
}

function totalsOf(repositories: readonly RepositoryPlan[]): {
  readonly repositories: number
  readonly images: number
  readonly deletedImages: number
  readonly deleted: number
  readonly untagged: number
  readonly freed: number
} {
  const sum = (of: (one: RepositoryPlan) => number): number =>
    repositories.reduce((total, one) => total + of(one), 0)
  const steps = (one: RepositoryPlan, kind: string): number =>
    one.steps.filter((step) => step.kind === kind).length
  return {
    repositories: new Set(repositories.map(({ repository }) => formatRepository(repository))).size,
    images: sum(({ count }) => count.images),
    deletedImages: sum(({ count, steps: all }) => (all.length > 0 ? count.deleted : 0)),
    deleted: sum((one) => steps(one, 'deleteManifest')),
    untagged: sum((one) => steps(one, 'deleteTag')),
    freed: sum(({ freed }) => freed),
  }
}
