import type { PreviousScan, RepositoryGraph } from '../../images/graph/repository-graph.ts'
import { listedNode, type RepositoryNode } from '../../images/graph/repository-node.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { InventorySnapshot } from '../../images/inventory/inventory-snapshot.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'

/** Manifests that are read at once. The limit of the registry is in `http/limit.ts`. */
const readsAtOnce = 32
/** Progress is reported each time that this many manifests have been read. */
const manifestsPerReport = 50

/** A repository as its inventory lists it, or as a planner has read it, or both. */
export interface KnownRepository {
  readonly inventory?: InventorySnapshot
  /** of a planner, which is not read again */
  readonly graph?: RepositoryGraph
}

export interface UsageReading {
  /** every manifest that dray knows, read */
  readonly graph: RepositoryGraph
  /** of a scan of the tags, for the next run */
  readonly forNextRun?: PreviousScan
}

/**
 * Reads all manifests of a repository: those of its inventory, or those that its tags lead to.
 * @throws what the store throws: the sizes of a repository are whole or unknown.
 */
export async function gatherUsage(
  reader: RepositoryReader,
  { inventory, graph }: KnownRepository,
  call: Call,
): Promise<UsageReading> {
  if (graph !== undefined || inventory !== undefined) {
    const known = graph ?? emptyGraph(reader)
    const listed = inventory === undefined ? known : addEntries(known, inventory, graph === undefined)
    return { graph: await readListed(listed, reader, call) }
  }
  const scan = reader.begin()
  await scan.addAllTags(call)
  return { graph: scan.graph, forNextRun: scan.asLast }
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
