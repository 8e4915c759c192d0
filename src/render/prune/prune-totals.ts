import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { PruneOutcome, RepositoryOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan, RepositoryPlan } from '../../plan/prune/prune-plan.ts'
import { formatCount } from '../text/format.ts'

/** The sums of a plan. Images of refused repositories count as kept. */
export interface PruneTotals {
  /** in scope, also those that could not be read */
  readonly repositories: number
  /** digests with a tag that is no evidence tag; of these, the deleted and the kept ones */
  readonly images: number
  readonly deleted: number
  readonly kept: number
  /** deleted superseded digests, which have no tag */
  readonly superseded: number
  /** deleted manifests that no tag, index or kept subject reached */
  readonly untaggedManifests: number
  /** deleted manifests: of images, and of their parts and attached artifacts */
  readonly manifests: number
  /** tags that are deleted from a kept digest */
  readonly untagged: number
  /** bytes that no kept manifest refers to */
  readonly freed: number
  /** repositories with a refusal, also those that could not be read; nothing is deleted there */
  readonly refused: number
}

/** The refused repositories: by a refusal of their own, or all of them by a refusal of the run. */
export class Refused {
  /** a refusal of the whole run: nothing at all is deleted */
  readonly isAll: boolean
  readonly #names: ReadonlySet<string>

  constructor(plan: Pick<PrunePlan, 'refusals'>) {
    // A rule that dray cannot apply refuses only itself.
    const refusals = plan.refusals.filter(({ rule }) => rule === undefined)
    this.isAll = refusals.some(({ repository }) => repository === undefined)
    this.#names = new Set(
      refusals.flatMap(({ repository }) => (repository === undefined ? [] : [formatRepository(repository)])),
    )
  }

  /** Whether a repository has a refusal of its own. */
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
  const accepted = plan.repositories.filter(({ repository }) => !refused.has(repository))
  const sum = (all: readonly RepositoryPlan[], of: (one: RepositoryPlan) => number): number =>
    all.reduce((total, one) => total + of(one), 0)
  const images = sum(plan.repositories, ({ count }) => count.images)
  const deleted = sum(accepted, ({ count }) => count.deleted)
  // The plan of a run that is refused later has no steps.
  const busy = accepted.filter(({ steps }) => steps.length > 0)
  return {
    repositories: names.size,
    images,
    deleted,
    kept: images - deleted,
    superseded: sum(busy, ({ count }) => count.superseded ?? 0),
    untaggedManifests: sum(busy, ({ count }) => count.untaggedManifests ?? 0),
    manifests: sum(accepted, (one) => countSteps(one, 'deleteManifest')),
    untagged: sum(accepted, (one) => countSteps(one, 'deleteTag')),
    freed: sum(accepted, ({ freed }) => freed),
    refused: refused.isAll ? names.size : names.size - accepted.length,
  }
}

/** The sums of an outcome: of what the run did, and why the rest was kept. */
export interface OutcomeTotals extends PruneTotals {
  /** deletes of manifests and tags that were already absent */
  readonly absent: number
  /** deletes that the registry does not do, which is no error */
  readonly keptByRegistry: number
  /** of these, the items that it refused to delete although it deletes others */
  readonly locked: number
  /** and the manifests that such an item leads to */
  readonly keptWithLocked: number
  readonly conflicts: number
  readonly failed: number
  readonly notAttempted: number
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
    superseded: sum((one) => one.superseded),
    untaggedManifests: sum((one) => one.untaggedManifests),
    manifests: sum((one) => one.deleted),
    untagged: sum((one) => one.untagged),
    absent: sum((one) => one.absent),
    keptByRegistry: sum((one) => one.kept),
    locked: sum((one) => one.locked),
    keptWithLocked: sum((one) => one.keptWithLocked),
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

/**
 * `2 images, 3 superseded images and 4 untagged manifests`; the last two have no tag and count
 * separately.
 */
export function countImages(images: number, superseded: number, untagged = 0): string {
  return joinAnd([
    ...(images > 0 || superseded + untagged === 0 ? [formatCount(images, 'image')] : []),
    ...(superseded === 0 ? [] : [formatCount(superseded, 'superseded image')]),
    ...(untagged === 0 ? [] : [formatCount(untagged, 'untagged manifest')]),
  ])
}

/** `a, b and c` */
export function joinAnd(parts: readonly string[]): string {
  const last = parts.at(-1) ?? ''
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`
}

/**
 * `2 images (5 manifests)`; manifests that belong to no image, such as untagged ones, stand alone.
 * @param describe adds words to the first count
 */
export function countDeleted(
  {
    images,
    superseded,
    untaggedManifests,
    manifests,
  }: {
    readonly images: number
    readonly superseded: number
    readonly untaggedManifests: number
    readonly manifests: number
  },
  describe: (count: string) => string = (count) => count,
): string {
  const count = formatCount(manifests, 'manifest')
  if (images + superseded + untaggedManifests === 0 && manifests > 0) return describe(count)
  return `${describe(countImages(images, superseded, untaggedManifests))} (${count})`
}

export function countSteps({ steps }: RepositoryPlan, kind: 'deleteManifest' | 'deleteTag'): number {
  return steps.filter((step) => step.kind === kind).length
}
