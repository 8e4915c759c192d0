import type { RepositoryGraph } from '../../../images/graph/repository-graph.ts'
import type { InventoryEntry } from '../../../images/inventory/inventory.ts'
import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import type { Digest } from '../../../oci/digest.ts'

type Pull = number | 'never' | undefined

/**
 * Returns the last pull of each manifest, in milliseconds since 1970. A pull of an index counts for
 * its children, and a pull of a child for its indexes. Absent: unknown. Pure.
 */
export function findPulls(
  { nodes }: RepositoryGraph,
  { knows, entries }: InventorySnapshot,
): ReadonlyMap<Digest, number | 'never'> {
  if (knows.pulledAt === 'no') return new Map()
  const own = new Map([...entries].map(([digest, entry]) => [digest, pullOf(entry)] as const))
  const all = new Map(own)
  for (const [digest, { children }] of nodes) {
    for (const child of children) {
      // A vendor without entries of children counts their pulls on the index.
      if (!own.has(child.digest)) continue
      all.set(digest, laterOf(all.get(digest), own.get(child.digest)))
      all.set(child.digest, laterOf(all.get(child.digest), own.get(digest)))
    }
  }
  return new Map([...all].flatMap(([digest, at]) => (at === undefined ? [] : [[digest, at] as const])))
}

function pullOf({ pulledAt, tags }: InventoryEntry): Pull {
  const times = [pulledAt, ...tags.map((tag) => tag.pulledAt)].filter((time) => time !== undefined)
  return times.length === 0 ? undefined : times.reduce<Pull>(laterOf, times[0])
}

/** A time is later than `never`. An unknown pull makes `never` unknown. */
function laterOf(a: Pull, b: Pull): Pull {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  if (typeof a === 'number') return a
  if (typeof b === 'number') return b
  return a === 'never' && b === 'never' ? 'never' : undefined
}
