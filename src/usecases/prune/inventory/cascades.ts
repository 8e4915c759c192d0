import type { Reach } from '../../../images/graph/reach.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Reachability } from '../mark-and-sweep.ts'
import type { RepositorySnapshot } from '../snapshot.ts'

interface CascadeOptions {
  readonly snapshot: Pick<RepositorySnapshot, 'inventory' | 'graph'>
  readonly reach: Reach
  readonly reachability: Reachability
}

/**
 * Finds the manifests to delete with which the registry would delete a kept one: an untagged child
 * that no other kept index lists, or an attached artifact. dray keeps them. Pure.
 * @returns each with the reason
 */
export function findEndangering({
  snapshot,
  reach,
  reachability,
}: CascadeOptions): ReadonlyMap<Digest, string> {
  const { inventory, graph } = snapshot
  if (inventory?.deletes.cascades !== true) return new Map()
  const tagged = new Set(graph.tags.values())
  const listed = new Set(
    [...graph.nodes.values()].flatMap(({ descriptor, children }) =>
      reachability.live.has(descriptor.digest) ? children.map((child) => child.digest) : [],
    ),
  )
  return new Map(
    [...reachability.garbage].flatMap((digest): readonly (readonly [Digest, string])[] => {
      const children = new Set(graph.nodes.get(digest)?.children.map((child) => child.digest))
      const lost = reach
        .from(digest)
        .filter((below) => reachability.live.has(below))
        .find((below) => !children.has(below) || (!tagged.has(below) && !listed.has(below)))
      if (lost === undefined) return []
      return [[digest, `${inventory.name} would also delete ${lost.slice(0, 19)}, which is kept`]]
    }),
  )
}
