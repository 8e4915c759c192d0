import type { Digest } from '../../oci/digest.ts'
import type { Reach } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'

/** A doomed manifest, and those that have to go before it. */
export interface Turn {
  readonly digest: Digest
  readonly after: readonly Digest[]
}

/**
 * Doomed manifests in an order in which whatever reaches another goes first: an index before its children (registries refuse to break it), an image before
 * its evidence. So at no moment is there an image that lacks a part, and a delete that is refused leaves what it would have left bare. Pure.
 */
export function deleteOrder(
  graph: RepositoryGraph,
  reach: Reach,
  doomed: ReadonlySet<Digest>,
): readonly Turn[] {
  const parents = new Map<Digest, { hard: Set<Digest>; soft: Set<Digest> }>()
  for (const digest of doomed) parents.set(digest, { hard: new Set(), soft: new Set() })
  for (const digest of doomed) {
    const children = new Set(graph.nodes.get(digest)?.children.map((child) => child.digest))
    for (const below of reach.from(digest)) {
      if (below !== digest) parents.get(below)?.[children.has(below) ? 'hard' : 'soft'].add(digest)
    }
  }
  return inTurn(parents)
}

/** Whether a manifest waits for itself: one that only hangs behind a circle is no place to open it. */
function isInCircle(
  digest: Digest,
  parents: ReadonlyMap<Digest, Parents>,
  placed: ReadonlySet<Digest>,
): boolean {
  const seen = new Set<Digest>()
  const open = [digest]
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const { hard = [], soft = [] } = parents.get(one) ?? {}
    for (const above of [...hard, ...soft]) {
      if (above === digest) return true
      if (placed.has(above) || seen.has(above)) continue
      seen.add(above)
      open.push(above)
    }
  }
  return false
}

/** What leads to a manifest: indexes that list it, and what it is evidence of. */
interface Parents {
  readonly hard: ReadonlySet<Digest>
  readonly soft: ReadonlySet<Digest>
}

/** Children of indexes form no circle, being named by hash; evidence may (a fallback tag is on anything): such a circle is opened at its evidence. */
function inTurn(parents: ReadonlyMap<Digest, Parents>): readonly Turn[] {
  const turns: Turn[] = []
  const placed = new Set<Digest>()
  let left = [...parents]
  while (left.length > 0) {
    const isFree = (before: ReadonlySet<Digest>): boolean => [...before].every((digest) => placed.has(digest))
    const free = left.filter(([, { hard, soft }]) => isFree(hard) && isFree(soft))
    const next =
      free.length > 0
        ? free
        : left.filter(([digest, { hard }]) => isFree(hard) && isInCircle(digest, parents, placed)).slice(0, 1)
    if (next.length === 0) throw new Error('manifests that contain one another by hash')
    for (const [digest, { hard, soft }] of next)
      turns.push({ digest, after: [...hard, ...soft].filter((before) => placed.has(before)) })
    for (const [digest] of next) placed.add(digest)
    left = left.filter(([digest]) => !placed.has(digest))
  }
  return turns
}
