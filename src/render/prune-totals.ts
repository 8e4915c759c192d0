import { formatRepository, type RepositoryName } from '../oci/reference.ts'
import type { PrunePlan, RepositoryPlan } from '../plan/prune-plan.ts'

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

export function countSteps({ steps }: RepositoryPlan, kind: 'deleteManifest' | 'deleteTag'): number {
  return steps.filter((step) => step.kind === kind).length
}
