import type { Digest } from '../../oci/digest.ts'
import { fallbackTag, isEvidenceTag } from '../../oci/evidence-tags.ts'
import { type Reach, subjectKeyOf } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { OrphanedManifest } from './snapshot.ts'

/** What stays and what goes, by digest: together all manifests of the repository, and no manifest in both. */
export interface Reachability {
  readonly live: ReadonlySet<Digest>
  readonly garbage: ReadonlySet<Digest>
  /** evidence of something that is not there, or is not known: by tag, and it stays */
  readonly orphanedTags: ReadonlySet<string>
}

export interface SweepInput {
  /** tags of people that are to go: nothing holds them */
  readonly toDelete: ReadonlySet<string>
  /** tags of people, with what they are on */
  readonly tags: ReadonlyMap<string, Digest>
  /** digests that are in use */
  readonly inUse: Iterable<Digest>
  readonly orphaned: readonly OrphanedManifest[]
}

/**
 * Marks all that is reached from something that stays; only what is reached from a dying tag, and from nothing else, goes. What neither reaches
 * stays: nothing says that it should go. Pure.
 */
export function markAndSweep(graph: RepositoryGraph, reach: Reach, input: SweepInput): Reachability {
  const orphanedTags = findOrphanedTags(graph, input.orphaned)
  const roots = new Set(input.inUse)
  const candidates = new Set(input.orphaned.map(({ digest }) => digest))
  for (const [tag, digest] of graph.tags) {
    if (digest === null) continue
    if (orphanedTags.has(tag)) roots.add(digest)
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

/** Those that are there, in the order of the tags and then of the digests: manifests are read side by side, and come in no order. */
function sortGarbage(graph: RepositoryGraph, garbage: ReadonlySet<Digest>): Iterable<Digest> {
  const tagged = [...graph.tags.values()].flatMap((digest) =>
    digest !== null && garbage.has(digest) ? [digest] : [],
  )
  const others = [...garbage].filter((digest) => graph.nodes.has(digest)).toSorted()
  return [...tagged, ...others]
}

/**
 * Tags on evidence whose subject no tag leads to: it is gone, or somebody keeps it by its digest. Evidence tags speak of their subject by their name,
 * other manifests by their `subject`.
 */
function findOrphanedTags(
  graph: RepositoryGraph,
  orphaned: readonly OrphanedManifest[],
): ReadonlySet<string> {
  // their subject is gone because an earlier run has deleted it, and it was to take them along
  const left = new Set(orphaned.flatMap(({ digest, tags }) => tags.map((tag) => `${tag} ${digest}`)))
  const known = new Set([...graph.nodes.keys()].map(fallbackTag))
  const orphans = new Set<string>()
  for (const [tag, digest] of graph.tags) {
    if (digest === null || left.has(`${tag} ${digest}`)) continue
    if (isEvidenceTag(tag)) {
      if (!known.has(subjectKeyOf(tag))) orphans.add(tag)
      continue
    }
    const subject = graph.nodes.get(digest)?.subject
    if (subject !== undefined && !graph.nodes.has(subject)) orphans.add(tag)
  }
  return orphans
}
