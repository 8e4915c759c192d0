import type { PreviousScan, RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import type { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { InventorySnapshot } from '../../images/inventory/inventory-snapshot.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'

/** Manifests that are read at once. The limit of the registry is in `http/limit.ts`. */
const readsAtOnce = 32
/** Progress is reported each time that this many manifests have been read. */
const manifestsPerReport = 50
/** A reader remembers its manifests, and equal parts of them are one object. */
const manifestsPerReader = 5000

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
  /** manifests that the registry sent */
  readonly requested: number
}

/**
 * Reads all manifests of a repository: those of its inventory, or those that its tags lead to.
 * @param openReader is called again after some thousand manifests, because a reader holds all of
 * them
 * @throws what the store throws: the sizes of a repository are whole or unknown.
 */
export async function gatherUsage(
  openReader: () => RepositoryReader,
  { inventory, graph }: KnownRepository,
  call: Call,
): Promise<UsageReading> {
  if (graph !== undefined || inventory !== undefined) {
    const known = graph ?? emptyGraph(openReader(), inventory)
    return await readListed(known, inventory?.entries ?? noEntries, openReader, call)
  }
  const reader = openReader()
  const scan = reader.begin()
  await scan.addAllTags(call)
  return { graph: scan.graph, forNextRun: scan.asLast, requested: reader.requested }
}

/** A graph with the tags of an inventory, whose manifests are not read yet. */
function emptyGraph({ store }: RepositoryReader, inventory: InventorySnapshot | undefined): RepositoryGraph {
  const tags = inventory?.tags ?? new Map()
  return { repository: store.repository, tags, nodes: new Map(), missing: new Set() }
}

/**
 * Reads the manifests that are only listed, and children of indexes that nothing lists. A manifest
 * that is gone is removed, and its tags have no manifest.
 * @param entries of the inventory
 */
async function readListed(
  graph: RepositoryGraph,
  entries: InventorySnapshot['entries'],
  openReader: () => RepositoryReader,
  call: Call,
): Promise<UsageReading> {
  const { repository } = graph
  const nodes = new Map<Digest, RepositoryNode>()
  const missing = new Set(graph.missing)
  for (const [digest, node] of graph.nodes) if (node.isListed !== true) nodes.set(digest, node)
  const isUnread = (digest: Digest): boolean => !nodes.has(digest)
  const unread = new Set([...graph.nodes.keys(), ...entries.keys()].filter(isUnread))
  let done = 0
  let of = 0
  let requested = 0
  const readSome = async (digests: readonly Digest[]): Promise<void> => {
    const reader = openReader()
    await inParallel(digests, readsAtOnce, call, async (digest, c) => {
      const node = await reader.find(digest, c)
      if (node === null) missing.add(digest)
      else nodes.set(digest, contentOf(node, entries))
      if (++done % manifestsPerReport === 0 || done === of)
        call.notify({ kind: 'surveyed', repository, done, of })
    })
    requested += reader.requested
  }
  for (let wave: readonly Digest[] = [...unread]; wave.length > 0; wave = unreadChildren(nodes, missing)) {
    of += wave.length
    for (let from = 0; from < wave.length; from += manifestsPerReader)
      await readSome(wave.slice(from, from + manifestsPerReader))
  }
  const tags = [...graph.tags].map(([tag, digest]) => {
    const isGone = digest !== null && !nodes.has(digest)
    return [tag, isGone ? null : digest] as const
  })
  return { graph: { repository, nodes, missing, tags: new Map(tags) }, requested }
}

/**
 * The parts of a manifest that sizes depend on.
 * @param digests of the inventory: the same text is not held twice
 */
function contentOf(
  { descriptor, kind, children, blobs, subject }: RepositoryNode,
  digests: ReadonlyMap<Digest, { readonly digest: Digest }>,
): RepositoryNode {
  const listed = children.map(({ digest, isAttestation }) => ({
    digest: digests.get(digest)?.digest ?? digest,
    isAttestation,
  }))
  return { descriptor, kind, children: listed, blobs, ...(subject !== undefined && { subject }) }
}

const noEntries: InventorySnapshot['entries'] = new Map()

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
