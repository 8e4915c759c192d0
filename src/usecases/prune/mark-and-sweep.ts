import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import type { Reach } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import { listOrphanedTags } from './orphaned-tags.ts'
import type { OrphanedManifest } from './snapshot.ts'

/** The live set and the garbage: each manifest of the repository is in exactly one of them. */
export interface Reachability {
  readonly live: ReadonlySet<Digest>
  readonly garbage: ReadonlySet<Digest>
  /** tags on attached artifacts without a known subject; dray keeps them unless a rule does not */
  readonly orphanedTags: ReadonlySet<string>
}

export interface SweepInput {
  /** image tags that a rule deletes and nothing protects */
  readonly toDelete: ReadonlySet<string>
  /** image tags, with their digests */
  readonly tags: ReadonlyMap<string, Digest>
  /** digests that are in use or held */
  readonly kept: Iterable<Digest>
  /** tags of holds that have ended: they keep nothing */
  readonly endedHolds: ReadonlySet<string>
  readonly orphaned: readonly OrphanedManifest[]
  /** tags of attached artifacts without their subject that a rule deletes */
  readonly orphansToDelete: ReadonlySet<string>
  /** manifests without a tag that a rule selects, and whether it deletes them */
  readonly selected: ReadonlyMap<Digest, boolean>
}

/**
 * Marks what kept tags, images in use and orphaned artifacts reach, and sweeps what only the tags
 * to delete reach. A manifest that neither reaches is kept. Pure.
 */
export function markAndSweep(graph: RepositoryGraph, reach: Reach, input: SweepInput): Reachability {
  const orphanedTags = new Set(listOrphanedTags(graph, input.orphaned).keys())
  const roots = new Set(input.kept)
  const candidates = new Set(input.orphaned.map(({ digest }) => digest))
  for (const [digest, isDeleted] of input.selected) (isDeleted ? candidates : roots).add(digest)
  for (const [tag, digest] of graph.tags) {
    if (digest === null || input.endedHolds.has(tag)) continue
    if (orphanedTags.has(tag)) (input.orphansToDelete.has(tag) ? candidates : roots).add(digest)
    else if (!isEvidenceTag(tag)) (input.toDelete.has(tag) ? candidates : roots).add(digest)
  }
  let live = reach.all(roots)
  let garbage = reach.all(candidates, live)
  const unclear = [...graph.nodes.keys()].filter((digest) => !live.has(digest) && !garbage.has(digest))
  if (unclear.length > 0) {
    live = reach.all([...roots, ...unclear])
    garbage = reach.all(candidates, live)
  }
  return { live, garbage: new Set(sortGarbage(graph, garbage)), orphanedTags }
}

/**
 * Manifests are read in parallel, so the garbage gets an order: that of the tags, then that of the
 * digests.
 */
function sortGarbage(graph: RepositoryGraph, garbage: ReadonlySet<Digest>): Iterable<Digest> {
  const tagged = [...graph.tags.values()].flatMap((digest) =>
    digest !== null && garbage.has(digest) ? [digest] : [],
  )
  const others = [...garbage].filter((digest) => graph.nodes.has(digest)).toSorted()
  return [...tagged, ...others]
}
