import type { Call } from '../../lib/call.ts'
import type { RetentionPolicy } from '../../config/retention/policy.ts'
import { formatRepository, type RepositoryName, type TagOrDigest } from '../../oci/reference.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import { decide, type RepositoryResult } from '../../usecases/prune/decide.ts'
import { decideFrom } from '../../usecases/prune/decide-repository.ts'
import { type Evaluation, evaluatePolicy } from '../../usecases/prune/evaluate.ts'
import { joinFirst } from '../../lib/join-first.ts'
import { gather } from '../../usecases/prune/gather.ts'
import { inParallel } from '../../images/parallel.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import { RepositoryReader } from '../../images/graph/repository-reader.ts'
import { readOrUnread } from '../../images/graph/unread.ts'
import type { Repositories, SourceRepository } from '../../images/ports.ts'
import type { Context } from '../wiring/context.ts'
import { keepHeapSmall } from '../wiring/small-heap.ts'
import type { RetentionHistory } from './history/retention-history.ts'
import type { ImagesInUse, InUseReader } from './images-in-use.ts'
import { rememberReads, withOwnReads } from './inventory/own-read-memory.ts'
import type { RunInventories } from './inventory/run-inventories.ts'
import type { KnownRepositories } from './known-repositories.ts'
import type { RegistryMemory } from './memory/registry-memory.ts'
import type { PruneCache } from './prune-cache.ts'
import type { PruneScope, ScopedRepository } from './prune-scope.ts'
import type { InterruptedRuns } from './prune-state.ts'

/** Repositories that are read at once; below it the requests have limits of their own. */
export const repositoriesAtOnce = 4
/**
 * A token for more repositories than these is asked for each by itself: the request would be too
 * long.
 */
const repositoriesPerToken = 20

export interface PruneInputs {
  readonly retention: RetentionPolicy
  /** about the policy itself */
  readonly warnings: readonly string[]
  readonly scope: PruneScope
  /** the repositories that references in use may name, whether the run reads them or not */
  readonly known: KnownRepositories
  readonly inUse: ImagesInUse
  /** reads the sources again if time has passed */
  readonly inUseReader: InUseReader
  readonly interrupted: InterruptedRuns
  /** the records about the repositories, and the first sightings of earlier runs */
  readonly history: RetentionHistory
  readonly memory: RegistryMemory
  readonly inventories: RunInventories
  readonly cache: PruneCache | undefined
}

export interface Pruning {
  readonly plan: PrunePlan
  readonly warnings: readonly string[]
  /** when the reading began, ms */
  readonly readAt: number
}

/**
 * Reads the repositories in scope, a few at a time, and decides. A repository that cannot be read
 * is refused, and dray continues with the others. Of a decided repository, only its part of the
 * plan stays in memory.
 * @param onDecided is called with each repository before its evaluation is forgotten
 */
export async function planPrune(
  inputs: PruneInputs,
  context: Context,
  call: Call,
  onDecided?: (evaluation: Evaluation) => void,
): Promise<Pruning> {
  const { retention, scope, inUse } = inputs
  const readAt = context.clock.now()
  await expectToRead(scope, context)
  const results = await inParallel(
    scope.repositories,
    repositoriesAtOnce,
    call,
    async (scoped, c): Promise<RepositoryResult> => {
      return await readOrUnread(scoped.repository, c, async () => {
        const evaluation = await evaluateRepository(scoped, inputs, context, c)
        onDecided?.(evaluation)
        return { kind: 'decided' as const, decision: decideFrom(evaluation) }
      })
    },
  )
  const { plan, warnings } = decide(
    results,
    {
      ...(retention.name !== undefined && { name: retention.name }),
      hash: retention.hash,
      tool: context.version,
      limits: retention.limits,
      protections: scope.protections,
      inUse: inUse.sources,
      isFullRun: scope.isWhole,
    },
    new Date(context.clock.now()),
  )
  return {
    plan,
    warnings: [
      ...inputs.warnings,
      ...warnings,
      ...unknownInUse(inputs, results),
      ...unmatchedPatterns(scope),
      ...(scope.isNamed ? emptyRepositories(plan) : []),
    ],
    readAt,
  }
}

/** One warning about patterns without a repository: a pattern may be mistyped. */
function unmatchedPatterns({ unmatched }: PruneScope): readonly string[] {
  if (unmatched.length === 0) return []
  return [
    `no repository matches ${joinFirst(unmatched)}. Check the ${unmatched.length === 1 ? 'name' : 'names'}.`,
  ]
}

/** One warning about named repositories without tags: a name may be mistyped. */
function emptyRepositories({ repositories }: PrunePlan): readonly string[] {
  const empty = repositories.filter(({ tags, roots }) => tags.length === 0 && roots.length === 0)
  if (empty.length === 0) return []
  const names = joinFirst(empty.map(({ repository }) => formatRepository(repository)))
  return [`no tags, or no such repository: ${names}. Check the ${empty.length === 1 ? 'name' : 'names'}.`]
}

/**
 * One warning about all references in use to unknown repositories: the registry may have another
 * name there.
 */
function unknownInUse(
  { inUse, known }: PruneInputs,
  results: readonly RepositoryResult[],
): readonly string[] {
  const kept = results.flatMap((one) => (one.kind === 'decided' ? one.decision.atOtherHosts : []))
  const unknown = inUse.unknown(known, new Set(kept.flatMap(({ otherHost }) => otherHost?.reference ?? [])))
  if (unknown.length === 0) return []
  const images = unknown.length === 1 ? 'an image in use is' : `${unknown.length} images in use are`
  return [
    `${images} in no repository that dray.yaml names: ${joinFirst(unknown)}. If the host is another name of a registry, add it to registries.HOST.aliases in dray.yaml. Otherwise, add it to ignoreHosts of the protection.`,
  ]
}

/**
 * Reads one repository.
 * @param explained an image whose time is read, whether a rule needs it or not
 * @throws as `gather`.
 */
export async function evaluateRepository(
  { repository, image, environment, policy, inUse: protections }: ScopedRepository,
  { inUse, known, interrupted, history, memory, inventories, cache }: PruneInputs,
  context: Context,
  call: Call,
  explained?: TagOrDigest,
): Promise<Evaluation> {
  const store = withMemory((await context.stores()).source(repository), memory)
  const last = await cache?.last(repository)
  const request = {
    repository,
    image,
    ...(environment !== undefined && { environment }),
    inUse: inUse.in(repository, known, protections),
    orphaned: interrupted.in(repository),
  }
  // Before anything else is read: a GET of dray can count as a pull.
  const isNeeded = policy.timeFrom.includes('pushed')
  const listed = policy.rules.length === 0 ? undefined : await inventories.read(repository, isNeeded, call)
  const inventory = listed?.kind === 'read' ? await withOwnReads(listed, repository, cache) : listed
  const from = context.clock.now()
  const {
    snapshot,
    forNextRun: asLast,
    requested,
  } = await gather(
    store,
    request,
    {
      policy,
      now: () => context.clock.now(),
      sources: history.sources(repository),
      ...(cache !== undefined && { contents: cache.contents }),
      ...(last !== undefined && { last }),
      ...(explained !== undefined && { explained }),
      ...(inventory !== undefined && { inventory }),
    },
    call,
  )
  await cache?.remember(repository, asLast)
  const difference = store.clockDifference() ?? 0
  if (snapshot.inventory !== undefined)
    await rememberReads(snapshot.inventory, repository, cache, requested, {
      from: from + difference,
      to: context.clock.now() + difference,
    })
  return evaluatePolicy(snapshot, policy)
}

/** A registry that deletes images together with a tag must not get a delete of a single tag. */
function withMemory(store: SourceRepository, { neverUntag }: RegistryMemory): SourceRepository {
  if (!neverUntag.has(store.repository.registry)) return store
  return { ...store, capability: (name) => (name === 'deleteTag' ? 'no' : store.capability(name)) }
}

/**
 * Returns what reads a repository again while it is pruned. A new reader for each repository, so
 * that only those that are being pruned have a graph. The tags of the plan and the content that was
 * read for it save requests.
 */
export function readersOf(
  { repositories }: PrunePlan,
  stores: Repositories,
  contents: ContentStore | undefined,
): (repository: RepositoryName) => RepositoryReader {
  const plans = new Map(repositories.map((one) => [formatRepository(one.repository), one]))
  return (repository) => {
    const tags = plans.get(formatRepository(repository))?.tags ?? []
    const known = tags.flatMap(({ tag, digest }) => (digest === null ? [] : [[tag, digest] as const]))
    return new RepositoryReader(stores.source(repository), {
      ...(contents !== undefined && { contents }),
      last: { tags: new Map(known), indexReferrers: new Map() },
    })
  }
}

/** Asks for one token for a few repositories; for many, each asks for its own. */
export async function expectToRead({ repositories }: PruneScope, context: Context): Promise<void> {
  keepHeapSmall()
  const names: readonly RepositoryName[] = repositories.map(({ repository }) => repository)
  if (names.length <= repositoriesPerToken) await context.expectRepositories([], names, 'read')
}
