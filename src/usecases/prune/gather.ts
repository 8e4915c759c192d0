import type { Call } from '../../lib/call.ts'
import { DrayError, isContentFailure } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { TagOrDigest } from '../../oci/reference.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import { createdInConfig, readConfigBytes } from '../../images/config/image-config.ts'
import { inParallel } from '../../images/parallel.ts'
import { Reach } from '../../images/graph/reach.ts'
import type { PreviousScan, RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type {
  BlobReader,
  Capabilities,
  ManifestReader,
  NamedRepository,
  PushTimeReader,
  SourceRepository,
} from '../../images/ports.ts'
import type { RepositoryScan } from '../../images/graph/repository-scan.ts'
import { findSureHolds } from '../../audit/holds/find-holds.ts'
import { findBroken, findCandidates, findDatedDeletes, tagsOfImages } from './evaluate.ts'
import { beginInventory, type GatheredInventory } from './inventory/gathered-inventory.ts'
import type { InventoryReading } from './inventory/obstacles.ts'
import { findUndecided } from './policy/apply-rules.ts'
import type { RepositoryPolicy } from './policy/policy.ts'
import { findKept } from './policy/protect.ts'
import type { RuleOptions } from './policy/rules/rule-options.ts'
import type { HistorySources } from './records/history.ts'
import { HistoryReader, noSources } from './records/history-reader.ts'
import { checkOpenHolds } from './records/open-holds.ts'
import {
  type ConfigTime,
  maxClockDifferenceMs,
  type OrphanedManifest,
  type PruneRequest,
  type RepositorySnapshot,
} from './snapshot.ts'
import { ImageTimes } from './policy/times.ts'

/** Configs that are read at once. */
const configsAtOnce = 16

export interface PruneGatherOptions {
  readonly policy: RepositoryPolicy
  /** milliseconds since 1970, by this machine */
  readonly now: () => number
  readonly contents?: ContentStore
  readonly last?: PreviousScan
  /** what is known beside the repository; by default nothing */
  readonly sources?: HistorySources
  /** an image whose time is read, whether a rule needs it or not */
  readonly explained?: TagOrDigest
  /** the list of the vendor, read before anything else; by default there is none */
  readonly inventory?: InventoryReading
}

export interface GatheredRepository {
  readonly snapshot: RepositorySnapshot
  /** for the next run */
  readonly forNextRun: PreviousScan
  /** manifests that GET returned, which a vendor can count as pulls */
  readonly requested: ReadonlySet<Digest>
}

/**
 * Reads what a decision needs: tags and manifests, the times that a rule needs, and the referrers
 * if anything is to be deleted.
 * @throws what the store throws, so that nothing is deleted in a repository that cannot be read
 * completely; `refused` if the clocks differ too much.
 */
export async function gather(
  store: SourceRepository,
  request: PruneRequest,
  options: PruneGatherOptions,
  call: Call,
): Promise<GatheredRepository> {
  const { policy, contents, last, explained, sources = noSources } = options
  const repositoryReader = new RepositoryReader(store, {
    ...(contents !== undefined && { contents }),
    ...(last !== undefined && { last }),
  })
  const scan = repositoryReader.begin()
  const inventory = await beginInventory(repositoryReader, scan, options, call)
  if (inventory.listed === undefined) await scan.addAllTags(call)
  const inUse = request.inUse.flatMap(({ at }) => ('digest' in at ? [at.digest] : []))
  await scan.addDigests(inUse, call)
  const orphaned = await addOrphaned(scan, store, request, call)
  let now = agreeOnNow(store, options.now())
  const reader = await HistoryReader.begin(
    {
      store,
      scan,
      contents,
      sources,
      policy,
      interrupted: orphaned,
      isExplaining: explained !== undefined,
      now,
    },
    call,
  )
  await checkOpenHolds(scan, sources, call)
  const broken = findBroken({ graph: scan.graph, history: reader.history })
  const configTimes = await readTimes(store, scan, { ...request, broken, now, inventory }, options, call)
  const takeSnapshot = (): RepositorySnapshot => ({
    ...request,
    orphaned,
    graph: scan.graph,
    configTimes,
    now,
    history: reader.history,
    ...pushTimesOf(store, policy, inventory),
    canUntag: inventory.canUntag ? 'yes' : store.capability('deleteTag'),
    referrers: scan.isRemembered ? 'remembered' : 'read',
    ...inventory.facts,
  })
  const explainedDigests = listExplained(explained, scan.graph)
  const readPromotions = (): Promise<void> =>
    reader.readPromotions(() => [...findDatedDeletes(takeSnapshot(), policy), ...explainedDigests], call)
  await readPromotions()
  const findMarked = (): ReadonlySet<Digest> => findCandidates(takeSnapshot(), policy)
  if (inventory.listed !== undefined) {
    // Each reading can change which images are marked, and thereby whose promotions count.
    while (await inventory.listed.confirm(findMarked, call)) {
      now = Math.min(now, agreeOnNow(store, options.now()))
      await readPromotions()
    }
  } else {
    const marked = findMarked()
    if (marked.size > 0) await scan.addReferrers(marked, call)
  }
  return { snapshot: takeSnapshot(), forNextRun: scan.asLast, requested: repositoryReader.requested }
}

/** The push times of the inventory, or those that the list of tags had, if they are a source. */
function pushTimesOf(
  store: PushTimeReader,
  { timeFrom }: RepositoryPolicy,
  inventory: GatheredInventory,
): Pick<RepositorySnapshot, 'pushed'> {
  if (!timeFrom.includes('pushed')) return {}
  return { pushed: (digest) => inventory.pushed(digest) ?? store.pushTime?.(digest) }
}

/**
 * Adds the manifests of interrupted runs that still exist although everything that led to them is
 * gone.
 */
async function addOrphaned(
  scan: RepositoryScan,
  store: ManifestReader,
  { orphaned }: PruneRequest,
  call: Call,
): Promise<readonly OrphanedManifest[]> {
  const found = await inParallel(orphaned, configsAtOnce, call, async (manifest, c) => {
    const { of, digest } = manifest
    for (const parent of of) if ((await store.resolve({ digest: parent }, c)) !== undefined) return []
    const isSeen = scan.graph.nodes.has(digest)
    return isSeen || (await store.resolve({ digest }, c)) !== undefined ? [manifest] : []
  })
  const existing = found.flat()
  await scan.addDigests(
    existing.map(({ digest }) => digest),
    call,
  )
  return existing
}

/** @throws `refused`. */
function agreeOnNow(store: NamedRepository & Capabilities, here: number): number {
  const difference = store.clockDifference() ?? 0
  if (Math.abs(difference) <= maxClockDifferenceMs) return here + Math.min(0, difference)
  const minutes = Math.round(Math.abs(difference) / 60_000)
  throw new DrayError(
    'refused',
    `the clocks of ${store.repository.registry} and this machine differ by ${minutes} minutes`,
    {
      why: `this machine has ${new Date(here).toISOString()}, the registry has ${new Date(here + difference).toISOString()}; dray cannot compute ages`,
      hint: 'Correct the wrong clock (NTP), then run the command again.',
    },
  )
}

interface TimedRequest extends Pick<PruneRequest, 'inUse'>, Pick<RuleOptions, 'broken' | 'now'> {
  readonly inventory: GatheredInventory
}

/**
 * Reads the configs of images that a rule by time selects and that have no annotation with a time.
 */
async function readTimes(
  store: BlobReader & PushTimeReader,
  scan: RepositoryScan,
  { inUse, broken, now, inventory }: TimedRequest,
  { policy, contents, explained }: PruneGatherOptions,
  call: Call,
): Promise<ReadonlyMap<Digest, ConfigTime>> {
  const { graph } = scan
  const { timeFrom } = policy
  const times = new ImageTimes(graph, {
    configTimes: new Map(),
    timeFrom,
    now,
    ...pushTimesOf(store, policy, inventory),
  })
  const holds = findSureHolds(graph, now)
  const tags = tagsOfImages(graph, holds)
  const references = { used: inUse, held: holds.byDigest }
  const { digests: kept } = findKept(tags, policy, references, new Reach(graph), (d) => graph.nodes.has(d))
  const needed = new Map<Digest, RepositoryNode>()
  const undecided = findUndecided(tags, {
    ...policy,
    now,
    kept,
    ...inventory.ruleOptions(graph, now),
    ...(broken !== undefined && { broken }),
  })
  await inventory.listed?.readWhole(
    [...undecided].filter((digest) => times.dependsOnContent(digest)),
    call,
  )
  await inventory.listed?.readWhole(listExplained(explained, graph), call)
  for (const digest of undecided) {
    for (const node of times.configsFor(digest)) needed.set(node.descriptor.digest, node)
  }
  for (const node of explainedConfigs(explained, times, graph)) needed.set(node.descriptor.digest, node)
  const read = await inParallel([...needed.values()], configsAtOnce, call, async (node, c) => {
    return [node.descriptor.digest, await configTime(store, node, contents, c)] as const
  })
  return new Map(read)
}

function explainedConfigs(
  explained: TagOrDigest | undefined,
  times: ImageTimes,
  graph: RepositoryGraph,
): readonly RepositoryNode[] {
  return listExplained(explained, graph).flatMap((digest) => times.configsFor(digest))
}

/** The digest of the image to explain, if it was found. */
function listExplained(
  explained: TagOrDigest | undefined,
  { tags, nodes }: RepositoryGraph,
): readonly Digest[] {
  if (explained === undefined) return []
  const digest = 'digest' in explained ? explained.digest : tags.get(explained.tag)
  return digest !== undefined && digest !== null && nodes.has(digest) ? [digest] : []
}

/** A bad config makes one image undated. Any other failure is thrown. */
async function configTime(
  store: BlobReader,
  { config }: RepositoryNode,
  contents: ContentStore | undefined,
  call: Call,
): Promise<ConfigTime> {
  if (config === undefined) return { why: 'it has none' }
  try {
    const kept = await contents?.get(config.digest)
    const bytes = kept ?? (await readConfigBytes(store, config, call))
    if (kept === undefined) await contents?.put(config.digest, bytes)
    return { created: createdInConfig(bytes, `config ${config.digest}`) }
  } catch (error) {
    if (!isContentFailure(error)) throw error
    return { why: error.message }
  }
}
