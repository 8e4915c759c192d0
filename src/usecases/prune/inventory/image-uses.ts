import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import {
  type IndexedChildren,
  type LastPull,
  lastPullOf,
  lastPushOf,
} from '../../../images/inventory/last-pulls.ts'
import { firstImage } from '../../../oci/created.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatSpan } from '../policy/age.ts'
import type { ImageUses, UseVerdict } from '../policy/rules/rule-options.ts'
import type { RepositorySnapshot } from '../snapshot.ts'

/** The uses of the images of a repository; undefined: the inventory has no pull times. */
export function createImageUses({
  inventory,
  graph,
  now,
  watchedSince = now,
}: Pick<RepositorySnapshot, 'inventory' | 'graph' | 'now' | 'watchedSince'>): ImageUses | undefined {
  if (inventory === undefined || inventory.knows.pulledAt === 'no') return undefined
  const edges = new GraphEdges(graph)
  const since = Math.min(watchedSince, earliestPull(inventory) ?? now)
  return {
    judge: (digest, notPulledFor) => {
      const pull = lastPullOf(inventory, digest, edges)
      const entry = inventory.entries.get(digest)
      const pushedAt = entry === undefined ? undefined : lastPushOf(entry)
      return judge({ pull, pushedAt, since, now }, notPulledFor)
    },
  }
}

interface UseFacts {
  readonly pull: LastPull
  readonly pushedAt: number | undefined
  /** since when pulls are known */
  readonly since: number
  readonly now: number
}

/** An image that was pushed after its last pull counts from the push. */
function judge({ pull, pushedAt, since, now }: UseFacts, notPulledFor: number): UseVerdict {
  if (pull.kind === 'unknown') return { isUnused: false, text: 'the last pull is unknown' }
  if (pull.kind === 'never' && (pushedAt === undefined || pushedAt < firstImage))
    return { isUnused: false, text: 'never pulled, and the time of the push is unknown' }
  const lastUse = Math.max(pull.kind === 'pulled' ? pull.latest : -Infinity, pushedAt ?? -Infinity)
  const what = describe(pull, pushedAt, now)
  const limit = formatSpan(notPulledFor)
  if (now - lastUse <= notPulledFor) return { isUnused: false, text: `${what}, not longer ago than ${limit}` }
  if (now - since > notPulledFor) return { isUnused: true, text: `${what}, longer ago than ${limit}` }
  const known = `pulls are known for ${formatSpan(now - since)}, not longer than ${limit}`
  return { isUnused: false, text: `${what}, and ${known}` }
}

function describe(pull: LastPull, pushedAt: number | undefined, now: number): string {
  if (pull.kind !== 'pulled') return `never pulled, pushed ${formatSpan(now - (pushedAt ?? now))} ago`
  const own = pull.isOwn === true ? ', perhaps by dray itself' : ''
  const by = pull.by === undefined ? own : ` by ${pull.by}${own}`
  const pulled = `pulled ${formatSpan(now - pull.at)} ago${by}`
  return pushedAt !== undefined && pushedAt > pull.latest
    ? `${pulled}, pushed ${formatSpan(now - pushedAt)} ago`
    : pulled
}

/** A pull time shows that the vendor recorded pulls by then. */
function earliestPull({ entries }: InventorySnapshot): number | undefined {
  let earliest: number | undefined
  for (const { pulledAt, tags } of entries.values()) {
    for (const at of [pulledAt, ...tags.map((tag) => tag.pulledAt)]) {
      if (typeof at === 'number' && at >= firstImage && at < (earliest ?? Infinity)) earliest = at
    }
  }
  return earliest
}

/** The edges between indexes and their children, by a graph that is complete. */
export class GraphEdges implements IndexedChildren {
  readonly #graph: RepositoryGraph
  #parents: Map<Digest, Digest[]> | undefined

  constructor(graph: RepositoryGraph) {
    this.#graph = graph
  }

  children(digest: Digest): readonly Digest[] {
    return this.#graph.nodes.get(digest)?.children.map((child) => child.digest) ?? []
  }

  indexes(digest: Digest): readonly Digest[] {
    this.#parents ??= this.#findParents()
    return this.#parents.get(digest) ?? []
  }

  #findParents(): Map<Digest, Digest[]> {
    const parents = new Map<Digest, Digest[]>()
    for (const { descriptor, children } of this.#graph.nodes.values()) {
      for (const { digest } of children) {
        const known = parents.get(digest)
        if (known === undefined) parents.set(digest, [descriptor.digest])
        else known.push(descriptor.digest)
      }
    }
    return parents
  }
}
