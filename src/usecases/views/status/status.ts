import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { compareWithSource } from './compare-facts.ts'
import { type SyncComparison, findGravest, type SyncState } from './compare-sides.ts'
import type { CellFacts, PromotionPath } from './facts.ts'

export interface StatusCell {
  readonly environment: string
  readonly repository: RepositoryName
  readonly state: CellFacts['state']
  /** the name of the current-version tag */
  readonly currentTag: string
  /** of the image of the current-version tag, or of `highest` */
  readonly digest: Digest | null
  /** the version tag on the image of the current-version tag; null if it is unknown */
  readonly version: string | null
  /** the highest version if the current-version tag does not exist */
  readonly highest: string | null
  readonly created: string | null
  /** a comparison with each environment that promotes to this one */
  readonly against: readonly ({ readonly from: string } & SyncComparison)[]
  readonly error?: ErrorInfo
}

interface StatusRow {
  readonly image: string
  /** for each target of each environment, in the same order for every image */
  readonly cells: readonly StatusCell[]
  /** of whole environments: the gravest comparison of their targets */
  readonly steps: readonly (PromotionPath & SyncComparison)[]
}

/** Images against environments. */
export interface StatusView {
  readonly environments: readonly string[]
  readonly images: readonly StatusRow[]
  readonly summary: StatusSummary
}

interface StatusSummary {
  /** the number of steps in each state */
  readonly inSync: number
  readonly behind: number
  readonly drifted: number
  readonly unknown: number
  readonly cells: number
  readonly unreachableCells: number
  /** targets that could not be read for some image at least */
  readonly unreachableTargets: number
}

/** Returns the matrix: pure. `facts` has the same targets in the same order for every image. */
export function buildStatus(
  environments: readonly string[],
  paths: readonly PromotionPath[],
  facts: readonly CellFacts[],
): StatusView {
  const byImage = Map.groupBy(facts, ({ target }) => target.image)
  const images = [...byImage].map(([image, cells]) => rowOf(image, cells, paths))
  return { environments, images, summary: summaryOf(images) }
}

function rowOf(image: string, facts: readonly CellFacts[], paths: readonly PromotionPath[]): StatusRow {
  const cells = facts.map((fact) => cellOf(fact, facts, paths))
  const steps = paths.map((path) => {
    const those = cells
      .filter(({ environment }) => environment === path.to)
      .flatMap(({ against }) => against.filter(({ from }) => from === path.from))
    return { ...findGravest(those), ...path }
  })
  return { image, cells, steps }
}

function cellOf(fact: CellFacts, all: readonly CellFacts[], paths: readonly PromotionPath[]): StatusCell {
  const { environment, repository, currentTag } = fact.target
  const against = paths
    .filter(({ to }) => to === environment)
    .map(({ from }) => {
      const source = all.filter(({ target }) => target.environment === from)
      return { from, ...compareWithSource(source, fact) }
    })
  const highest = fact.state === 'no-current-tag' ? fact.highest[0]?.tag : undefined
  return {
    environment,
    repository,
    state: fact.state,
    currentTag,
    digest: digestOf(fact),
    version: fact.state === 'present' ? (fact.version?.tag ?? null) : null,
    highest: highest ?? null,
    created: fact.state === 'present' ? fact.created : null,
    against,
    ...(fact.state === 'unreachable' && { error: fact.error }),
  }
}

function digestOf(fact: CellFacts): Digest | null {
  switch (fact.state) {
    case 'present':
      return fact.digest
    case 'no-current-tag':
      return fact.digests.get(fact.highest[0]?.tag ?? '') ?? null
    case 'not-deployed':
    case 'unreachable':
      return null
  }
}

function summaryOf(images: readonly StatusRow[]): StatusSummary {
  const steps = images.flatMap((row) => row.steps)
  const count = (wanted: SyncState): number => steps.filter(({ state }) => state === wanted).length
  const targets = images.flatMap(({ cells }) =>
    cells.map(({ state }, target) => ({ target, isReached: state !== 'unreachable' })),
  )
  const missed = targets.filter(({ isReached }) => !isReached)
  return {
    inSync: count('in-sync'),
    behind: count('behind'),
    drifted: count('drifted'),
    unknown: count('unknown'),
    cells: targets.length,
    unreachableCells: missed.length,
    unreachableTargets: new Set(missed.map(({ target }) => target)).size,
  }
}
