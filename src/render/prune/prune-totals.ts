import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { PruneOutcome, RepositoryOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'

/** A plan in numbers: what is refused counts as kept. */
export interface PruneTotals {
  /** that were to be looked at, those that could not be read too */
  readonly repositories: number
  /** digests with a tag of a person, and of these those that die and those that stay */
  readonly images: number
  readonly deleted: number
  readonly kept: number
  /** manifests that are deleted: images, and what goes with them */
  readonly manifests: number
  /** tags that are taken off a digest that stays */
  readonly untagged: number
  /** bytes that nothing which remains refers to */
  readonly freed: number
  /** repositories in which nothing is deleted because something is wrong */
  readonly refused: number
}

/** Which repositories are refused: by a refusal of their own, or all by one of the whole run. */
export class Refused {
  /** a refusal of the whole run: nothing at all is deleted */
  readonly isAll: boolean
  readonly #names: ReadonlySet<string>

  constructor({ refusals }: Pick<PrunePlan, 'refusals'>) {
    this.isAll = refusals.some(({ repository }) => repository === undefined)
    this.#names = new Set(
      refusals.flatMap(({ repository }) => (repository === undefined ? [] : [formatRepository(repository)])),
    )
  }

  /** By a refusal of its own. */
  isItself(repository: RepositoryName): boolean {
    return this.#names.has(formatRepository(repository))
  }

  has(repository: RepositoryName): boolean {
    return this.isAll || this.isItself(repository)
  }
}

export function totalsOf(plan: PrunePlan): PruneTotals {
  const refused = new Refused(plan)
  const names = new Set(plan.repositories.map(({ repository }) => formatRepository(repository)))
  for (const { repository } of plan.refusals)
    if (repository !== undefined) names.add(formatRepository(repository))
  const going = plan.repositories.filter(({ repository }) => !refused.has(repository))
  const sum = (all: readonly RepositoryPlan[], of: (one: RepositoryPlan) => number): number =>
    all.reduce((total, one) => total + of(one), 0)
  const images = sum(plan.repositories, ({ count }) => count.images)
  const deleted = sum(going, ({ count }) => count.deleted)
  return {
    repositories: names.size,
    images,
    deleted,
    kept: images - deleted,
    manifests: sum(going, (one) => countSteps(one, 'deleteManifest')),
    untagged: sum(going, (one) => countSteps(one, 'deleteTag')),
    freed: sum(going, ({ freed }) => freed),
    refused: refused.isAll ? names.size : names.size - going.length,
  }
}

/** What became of a plan, in numbers. */
export interface OutcomeTotals {
  /** that were to be looked at, those that could not be read too */
  readonly repositories: number
  /** digests with a tag of a person, as the plan saw them; of these those that this run has deleted, and the others */
  readonly images: number
  readonly deleted: number
  readonly kept: number
  /** manifests that were deleted: images, and what went with them */
  readonly manifests: number
  /** tags that were taken off a digest that stays */
  readonly untagged: number
  /** deletes of what was gone already */
  readonly absent: number
  /** deletes that a registry cannot do, and with which nothing is wrong */
  readonly left: number
  readonly conflicts: number
  readonly failed: number
  readonly notAttempted: number
  /** repositories in which something was refused, those that could not be read too */
  readonly refused: number
  /** bytes that nothing which remains refers to */
  readonly freed: number
}

export function outcomeTotalsOf(plan: PrunePlan, { repositories, refusals }: PruneOutcome): OutcomeTotals {
  const sum = (of: (one: RepositoryOutcome) => number): number =>
    repositories.reduce((total, one) => total + of(one), 0)
  const names = (all: readonly { readonly repository?: RepositoryName }[]): readonly string[] =>
    all.flatMap(({ repository }) => (repository === undefined ? [] : [formatRepository(repository)]))
  const { images } = totalsOf(plan)
  const deleted = sum((one) => one.images)
  return {
    repositories: new Set([...names(repositories), ...names(refusals)]).size,
    images,
    deleted,
    kept: images - deleted,
    manifests: sum((one) => one.deleted),
    untagged: sum((one) => one.untagged),
    absent: sum((one) => one.absent),
    left: sum((one) => one.kept),
    conflicts: sum((one) => one.conflicts),
    failed: sum((one) => one.failed),
    notAttempted: sum((one) => one.notAttempted),
    refused: new Set([
      ...names(repositories.filter(({ status }) => status === 'refused')),
      ...names(refusals),
    ]).size,
    freed: sum((one) => one.freed),
  }
}

export function countSteps({ steps }: RepositoryPlan, kind: 'deleteManifest' | 'deleteTag'): number {
  return steps.filter((step) => step.kind === kind).length
}
