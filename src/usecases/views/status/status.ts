import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { compareVersions, type VersionReading, type VersionTag } from '../../../semver/version.ts'

/** An image at one target of an environment. */
export interface StatusTarget {
  readonly image: string
  readonly environment: string
  readonly repository: RepositoryName
  /** the current-version tag */
  readonly currentTag: string
  readonly reading: VersionReading
}

/** The state of an image at one target. */
export type CellFacts = { readonly target: StatusTarget } & (
  | {
      readonly state: 'present'
      readonly digest: Digest
      /** the exact tag that stands on the digest; null: not found */
      readonly version: VersionTag | null
      /** ISO 8601, UTC */
      readonly created: string | null
    }
  /** the repository exists and lacks the current-version tag; `highest` of its versions */
  | { readonly state: 'unmarked'; readonly highest: VersionTag | null }
  | { readonly state: 'absent' }
  | { readonly state: 'unreachable'; readonly error: ErrorInfo }
)

/** How a target compares with the environment before it; `unknown` if one was not reached. */
export type StepState = 'level' | 'behind' | 'differs' | 'unknown'

/** From which environment images go to which. */
export interface PromotionPath {
  readonly from: string
  readonly to: string
}

export interface StatusCell {
  readonly environment: string
  readonly repository: RepositoryName
  readonly state: CellFacts['state']
  readonly marker: string
  readonly digest: Digest | null
  /** the tag, as it is written; null if it is unknown or does not exist */
  readonly version: string | null
  /** the highest version if the current-version tag does not exist */
  readonly highest: string | null
  readonly created: string | null
  /** a comparison with each environment that promotes to this one */
  readonly against: readonly { readonly from: string; readonly state: StepState }[]
  readonly error?: ErrorInfo
}

interface StatusRow {
  readonly image: string
  /** for each target of each environment, in the same order for every image */
  readonly cells: readonly StatusCell[]
  /** of whole environments */
  readonly steps: readonly (PromotionPath & { readonly state: StepState })[]
}

/** Images against environments. */
export interface StatusView {
  readonly environments: readonly string[]
  readonly images: readonly StatusRow[]
  readonly summary: StatusSummary
}

interface StatusSummary extends Readonly<Record<StepState, number>> {
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
    const states = cells
      .filter(({ environment }) => environment === path.to)
      .flatMap(({ against }) => against.filter(({ from }) => from === path.from))
    return { ...path, state: worstState(states.map(({ state }) => state)) }
  })
  return { image, cells, steps }
}

function cellOf(fact: CellFacts, all: readonly CellFacts[], paths: readonly PromotionPath[]): StatusCell {
  const { environment, repository, currentTag } = fact.target
  const against = paths
    .filter(({ to }) => to === environment)
    .map(({ from }) => ({ from, state: compare(sourceIn(from, all), fact) }))
  return {
    environment,
    repository,
    state: fact.state,
    marker: currentTag,
    digest: fact.state === 'present' ? fact.digest : null,
    version: fact.state === 'present' ? (fact.version?.tag ?? null) : null,
    highest: fact.state === 'unmarked' ? (fact.highest?.tag ?? null) : null,
    created: fact.state === 'present' ? fact.created : null,
    against,
    ...(fact.state === 'unreachable' && { error: fact.error }),
  }
}

/** Returns the first target of an environment that has the image, else the first reached one. */
function sourceIn(environment: string, facts: readonly CellFacts[]): CellFacts | undefined {
  const targets = facts.filter(({ target }) => target.environment === environment)
  return (
    targets.find(({ state }) => state === 'present') ??
    targets.find(({ state }) => state !== 'unreachable') ??
    targets[0]
  )
}

function compare(from: CellFacts | undefined, to: CellFacts): StepState {
  if (from === undefined || from.state === 'unreachable' || to.state === 'unreachable') return 'unknown'
  if (from.state !== 'present') return to.state === 'present' ? 'differs' : 'level'
  if (to.state !== 'present') return 'behind'
  if (from.digest === to.digest) return 'level'
  if (from.version === null || to.version === null) return 'differs'
  return compareVersions(to.version.version, from.version.version) < 0 ? 'behind' : 'differs'
}

const gravest: readonly StepState[] = ['differs', 'behind', 'unknown']

function worstState(states: readonly StepState[]): StepState {
  return gravest.find((state) => states.includes(state)) ?? 'level'
}

/** Whether no environment has a repository for the image. Its name is probably mistyped. */
function isAbsentEverywhere({ cells }: StatusRow): boolean {
  return cells.every(({ state }) => state === 'absent')
}

function summaryOf(images: readonly StatusRow[]): StatusSummary {
  // An image that no environment has is not in sync with anything.
  const steps = images.flatMap((row) => (isAbsentEverywhere(row) ? [] : row.steps))
  const count = (wanted: StepState): number => steps.filter(({ state }) => state === wanted).length
  const targets = images.flatMap(({ cells }) =>
    cells.map(({ state }, target) => ({ target, isReached: state !== 'unreachable' })),
  )
  const missed = targets.filter(({ isReached }) => !isReached)
  return {
    level: count('level'),
    behind: count('behind'),
    differs: count('differs'),
    unknown: count('unknown'),
    cells: targets.length,
    unreachableCells: missed.length,
    unreachableTargets: new Set(missed.map(({ target }) => target)).size,
  }
}
