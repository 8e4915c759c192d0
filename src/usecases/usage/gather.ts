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
/** An image has a few manifests. */
const tagsPerReader = 1000

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
  /** manifests that GET returned, which a vendor can count as pulls */
  readonly requested: ReadonlySet<Digest>
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
  return await readTags(openReader, call)
}

/** Lists the tags and reads them, in parts. A tag without a manifest is listed and read again. */
async function readTags(openReader: () => RepositoryReader, call: Call): Promise<UsageReading> {
  const first = openReader()
  const { repository } = first.store
  const tags = new Map<string, Digest | null>()
  const nodes = new Map<Digest, RepositoryNode>()
  const missing = new Set<Digest>()
  const requested = new Set<Digest>()
  const readSome = async (names: readonly string[], done: number, of: number): Promise<void> => {
    const reader = openReader()
    const graph = await reader.readTags(names, withProgress(call, done, of))
    for (const [tag, digest] of graph.tags) tags.set(tag, digest)
    for (const [digest, node] of graph.nodes)
      nodes.set(
        digest,
        contentOf(node, (child) => nodes.get(child)?.descriptor.digest),
      )
    for (const digest of graph.missing) missing.add(digest)
    for (const digest of reader.requested) requested.add(digest)
  }
  const names = await first.listTags(call)
  for (let from = 0; from < names.length; from += tagsPerReader)
    await readSome(names.slice(from, from + tagsPerReader), from, names.length)
  const dangling = [...tags].flatMap(([tag, digest]) => (digest === null ? [tag] : []))
  if (dangling.length > 0) {
    const again = await first.listTags(call)
    for (const tag of dangling) tags.delete(tag)
    // Those that are still listed, and those that are new.
    const unread = again.filter((tag) => !tags.has(tag))
    await readSome(unread, names.length - dangling.length, names.length)
  }
  const known = [...tags].flatMap(([tag, digest]) => (digest === null ? [] : [[tag, digest] as const]))
  const forNextRun = { tags: new Map(known), indexReferrers: new Map() }
  return { graph: { repository, tags, nodes, missing }, forNextRun, requested }
}

/** The progress of a part as that of the whole. */
function withProgress(call: Call, before: number, of: number): Call {
  return {
    ...call,
    notify: (event) =>
      call.notify(event.kind === 'surveyed' ? { ...event, done: before + event.done, of } : event),
  }
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
  const requested = new Set<Digest>()
  const readSome = async (digests: readonly Digest[]): Promise<void> => {
    const reader = openReader()
    await inParallel(digests, readsAtOnce, call, async (digest, c) => {
      const node = await reader.find(digest, c)
      if (node === null) missing.add(digest)
      else
        nodes.set(
          digest,
          contentOf(node, (child) => entries.get(child)?.digest),
        )
      if (++done % manifestsPerReport === 0 || done === of)
        call.notify({ kind: 'surveyed', repository, done, of })
    })
    for (const digest of reader.requested) requested.add(digest)
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
 * @param known finds the same digest, so that its text is not held twice
 */
function contentOf(
  { descriptor, kind, children, blobs, subject }: RepositoryNode,
  known: (digest: Digest) => Digest | undefined,
): RepositoryNode {
  const listed = children.map(({ digest, isAttestation }) => ({
    digest: known(digest) ?? digest,
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
