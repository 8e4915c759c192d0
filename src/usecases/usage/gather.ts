import type { PreviousScan, RepositoryGraph } from '../../images/graph/repository-graph.ts'
import { listedNode, type RepositoryNode } from '../../images/graph/repository-node.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { Inventory } from '../../images/inventory/inventory.ts'
import { type InventorySnapshot, readInventory } from '../../images/inventory/inventory-snapshot.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import { type DrayError, toDrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'

/** Manifests that are read at once. The limit of the registry is in `http/limit.ts`. */
const readsAtOnce = 32
/** Progress is reported each time that this many manifests have been read. */
const manifestsPerReport = 50

/** The reading of a planner. */
export interface PlannedReading {
  readonly graph: RepositoryGraph
  readonly inventory?: InventorySnapshot
}

export interface UsageReading {
  /** every manifest that dray knows, read */
  readonly graph: RepositoryGraph
  readonly inventory?: InventorySnapshot
  /** why the inventory cannot be read; dray uses the OCI API instead */
  readonly inventoryError?: DrayError
  /** of a scan of the tags, for the next run */
  readonly forNextRun?: PreviousScan
}

/**
 * Reads all manifests of a repository: those of its inventory, or those that its tags lead to.
 * @param planned what a planner has read, which is not read again
 * @throws what the store throws: the sizes of a repository are whole or unknown.
 */
export async function gatherUsage(
  reader: RepositoryReader,
  inventory: Inventory | undefined,
  call: Call,
  planned?: PlannedReading,
): Promise<UsageReading> {
  const { repository } = reader.store
  const listed =
    planned?.inventory !== undefined || inventory === undefined
      ? { snapshot: planned?.inventory }
      : await listInventory(() => readInventory(inventory, repository, call), call)
  const { snapshot, error } = { error: undefined, ...listed }
  const base = {
    ...(snapshot !== undefined && { inventory: snapshot }),
    ...(error !== undefined && { inventoryError: error }),
  }
  if (planned !== undefined || snapshot !== undefined) {
    const known = planned?.graph ?? emptyGraph(reader)
    const graph = snapshot === undefined ? known : addEntries(known, snapshot, planned === undefined)
    return { graph: await readListed(graph, reader, call), ...base }
  }
  const scan = reader.begin()
  await scan.addAllTags(call)
  return { graph: scan.graph, forNextRun: scan.asLast, ...base }
}

/** The snapshot, or why the OCI API replaces it. @throws the signal's reason. */
async function listInventory(
  read: () => Promise<InventorySnapshot>,
  call: Call,
): Promise<
  { readonly snapshot: InventorySnapshot } | { readonly snapshot?: undefined; readonly error: DrayError }
> {
  try {
    return { snapshot: await read() }
  } catch (error) {
    call.signal.throwIfAborted()
    return { error: toDrayError(error) }
  }
}

function emptyGraph({ store }: RepositoryReader): RepositoryGraph {
  return { repository: store.repository, tags: new Map(), nodes: new Map(), missing: new Set() }
}

/** Adds the manifests of an inventory that the graph lacks, not read yet, and the tags if asked. */
function addEntries(
  graph: RepositoryGraph,
  { entries, tags }: InventorySnapshot,
  withTags: boolean,
): RepositoryGraph {
  const nodes = new Map(graph.nodes)
  for (const [digest, entry] of entries) if (!nodes.has(digest)) nodes.set(digest, listedNode(entry))
  return { ...graph, nodes, tags: withTags ? tags : graph.tags }
}

/**
 * Reads the manifests that are only listed, and children of indexes that nothing lists. A manifest
 * that is gone is removed, and its tags have no manifest.
 */
async function readListed(
  graph: RepositoryGraph,
  reader: RepositoryReader,
  call: Call,
): Promise<RepositoryGraph> {
  const { repository } = graph
  const nodes = new Map<Digest, RepositoryNode>()
  const missing = new Set(graph.missing)
  const listed: Digest[] = []
  for (const [digest, node] of graph.nodes) {
    if (node.isListed === true) listed.push(digest)
    else nodes.set(digest, node)
  }
  let done = 0
  let of = 0
  const readOne = async (digest: Digest, c: Call): Promise<void> => {
    const node = await reader.find(digest, c)
    if (node === null) missing.add(digest)
    else nodes.set(digest, node)
    if (++done % manifestsPerReport === 0 || done === of)
      call.notify({ kind: 'surveyed', repository, done, of })
  }
  for (let wave: readonly Digest[] = listed; wave.length > 0; wave = unreadChildren(nodes, missing)) {
    of += wave.length
    await inParallel(wave, readsAtOnce, call, readOne)
  }
  const tags = [...graph.tags].map(([tag, digest]) => {
    const isGone = digest !== null && !nodes.has(digest)
    return [tag, isGone ? null : digest] as const
  })
  return { repository, nodes, missing, tags: new Map(tags) }
}

function unreadChildren(
  nodes: ReadonlyMap<Digest, RepositoryNode>,
  missing: ReadonlySet<Digest>,
): readonly Digest[] {
  const children = new Set<Digest>()
  for (const node of nodes.values())
    for (const { digest } of node.children)
      if (!nodes.has(digest) && !missing.has(digest)) children.add(digest)
  return [...children]
}
