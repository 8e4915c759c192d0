import type { PreviousScan } from '../../images/graph/repository-graph.ts'
import { RepositoryReader } from '../../images/graph/repository-reader.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Repositories } from '../../images/ports.ts'
import { withoutOwnReads } from '../../images/inventory/own-reads.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import type { RepositoryContents } from '../../usecases/usage/contents/repository-contents.ts'
import { reduceRepository } from '../../usecases/usage/contents/reduce-repository.ts'
import { gatherUsage, type KnownRepository } from '../../usecases/usage/gather.ts'
import type { UnreachableUsage } from '../../usecases/usage/usage-report.ts'
import { explainUnreached, readUntilTimeout, UnreachableRegistries } from '../../usecases/views/reach.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { rememberReads, withOwnReads } from '../prune/inventory/own-read-memory.ts'
import type { RunInventories } from '../prune/inventory/run-inventories.ts'
import type { PruneCache } from '../prune/prune-cache.ts'
import { repositoriesAtOnce } from '../prune/prune-run.ts'
import type { ScopedRepository } from '../prune/prune-scope.ts'
import { growHeapSlowly } from '../wiring/small-heap.ts'
import type { UsageNotes } from './usage-notes.ts'
import type { UsagePlanner } from './usage-planner.ts'
import type { UsageStorages } from './usage-storages.ts'

/** Tags or manifests of a repository that is large; a smaller one needs little memory anyway. */
const manyReads = 10_000
/** Found with 100,000 manifests: a smaller percentage takes longer and saves nothing. */
const heapPercent = 30

export interface UsageReadPorts {
  readonly stores: Repositories
  readonly inventories: RunInventories
  readonly planner: UsagePlanner | undefined
  readonly cache: PruneCache | undefined
  readonly storages: UsageStorages
  readonly clock: Clock
  readonly notes: UsageNotes
  /** milliseconds since 1970: content that was pushed before is not new */
  readonly since: number
}

export interface ReadRepositories {
  readonly contents: readonly RepositoryContents[]
  readonly unreachable: readonly UnreachableUsage[]
}

/**
 * Reads repositories, a few at a time, and reduces each to its contents. A repository that cannot
 * be read, or not before the time limit of the run, is unreachable.
 * @throws `interrupted`.
 */
export async function readRepositories(
  repositories: readonly ScopedRepository[],
  ports: UsageReadPorts,
  call: Call,
): Promise<ReadRepositories> {
  const reach = new UnreachableRegistries()
  const read = new Map<ScopedRepository, RepositoryContents>()
  const failed = new Map<ScopedRepository, ErrorInfo>()
  await readUntilTimeout(call, () =>
    inParallel(repositories, repositoriesAtOnce, withSmallHeap(call), async (scoped, c) => {
      const { value, error } = await reach.read(scoped.repository, c, () => readOne(scoped, ports, c))
      if (value === undefined) failed.set(scoped, error)
      else read.set(scoped, value)
    }),
  )
  return {
    contents: repositories.flatMap((one) => read.get(one) ?? []),
    unreachable: repositories.flatMap((one) => {
      const { repository, image } = one
      if (read.has(one)) return []
      return [{ repository, image, error: failed.get(one) ?? explainUnreached(repository, call) }]
    }),
  }
}

/** Keeps the heap small from the first large repository on. */
function withSmallHeap(call: Call): Call {
  let isSmall = false
  return {
    ...call,
    notify: (event) => {
      if (!isSmall && event.kind === 'surveyed' && event.of > manyReads) {
        isSmall = true
        growHeapSlowly(heapPercent)
      }
      call.notify(event)
    },
  }
}

async function readOne(
  scoped: ScopedRepository,
  { stores, inventories, planner, cache, storages, clock, notes, since }: UsageReadPorts,
  call: Call,
): Promise<RepositoryContents> {
  const { repository, image } = scoped
  const planned = await planner?.plan(scoped, call)
  // Before any manifest is read: a GET of dray can count as a pull.
  const known = planned?.known ?? (await readListOf(repository, inventories, cache, call))
  const last = planned === undefined ? await cache?.last(repository) : undefined
  const store = stores.source(repository)
  const from = clock.now()
  const openReader = (): RepositoryReader =>
    new RepositoryReader(store, {
      ...(cache !== undefined && { contents: cache.contents }),
      ...(last !== undefined && { last }),
    })
  const { graph, forNextRun, requested } = await gatherUsage(openReader, known, call)
  const { inventory } = known
  if (inventory !== undefined && inventory.knows.pulledAt !== 'no' && requested.size > 0) {
    notes.addCountedReads(inventory.name)
    const ahead = store.clockDifference() ?? 0
    const period = { from: from + ahead, to: clock.now() + ahead }
    // The planner may have remembered reads of this run.
    const reads = await withOwnReads({ snapshot: inventory }, repository, cache)
    await rememberReads(reads.snapshot, repository, cache, requested, period)
  }
  await remember(cache, repository, forNextRun, last)
  const judgement = planned?.judgement
  return reduceRepository(
    {
      repository,
      image,
      graph,
      ...(inventory !== undefined && { inventory: withoutOwnReads(inventory) }),
      ...(judgement !== undefined && { judgement }),
    },
    storages.tableOf(repository),
    since,
  )
}

async function readListOf(
  repository: RepositoryName,
  inventories: RunInventories,
  cache: PruneCache | undefined,
  call: Call,
): Promise<KnownRepository> {
  const reading = await inventories.read(repository, true, call)
  if (reading.kind !== 'read') return {}
  return { inventory: (await withOwnReads(reading, repository, cache)).snapshot }
}

/** Keeps the tags for the next run, and the referrers that an earlier prune found. */
async function remember(
  cache: PruneCache | undefined,
  repository: RepositoryName,
  now: PreviousScan | undefined,
  last: PreviousScan | undefined,
): Promise<void> {
  await cache?.contents.flush()
  if (now === undefined) return
  await cache?.remember(repository, { ...now, indexReferrers: last?.indexReferrers ?? new Map() })
}
