import type { Digest } from '../../oci/digest.ts'
import { fallbackTag, isEvidenceTag } from '../../oci/evidence-tags.ts'
import { type Reach, subjectKeyOf } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { Leftover } from './snapshot.ts'

/** What stays and what goes, by digest: together all manifests of the repository, and no manifest in both. */
export interface Fate {
  readonly alive: ReadonlySet<Digest>
  readonly doomed: ReadonlySet<Digest>
  /** evidence of something that is not there, or is not known: by tag, and it stays */
  readonly orphanTags: ReadonlySet<string>
}

export interface Sentence {
  /** tags of people that are to go: nothing holds them */
  readonly dying: ReadonlySet<string>
  /** tags of people, with what they are on */
  readonly tags: ReadonlyMap<string, Digest>
  /** digests that are in use */
  readonly used: Iterable<Digest>
  readonly leftovers: readonly Leftover[]
}

/**
 * Marks all that is reached from something that stays; only what is reached from a dying tag, and from nothing else, goes. What neither reaches
 * stays: nothing says that it should go. Pure.
 */
export function fateOf(graph: RepositoryGraph, reach: Reach, sentence: Sentence): Fate {
  const orphanTags = orphansOf(graph, sentence.leftovers)
  const roots = new Set(sentence.used)
  const condemned = new Set(sentence.leftovers.map(({ digest }) => digest))
  for (const [tag, digest] of graph.tags) {
    if (digest === null) continue
    if (orphanTags.has(tag)) roots.add(digest)
    else if (!isEvidenceTag(tag)) (sentence.dying.has(tag) ? condemned : roots).add(digest)
  }
  let alive = reach.all(roots)
  let doomed = reach.all(condemned, alive)
  const unclear = [...graph.nodes.keys()].filter((digest) => !alive.has(digest) && !doomed.has(digest))
  if (unclear.length > 0) {
    alive = reach.all([...roots, ...unclear])
    doomed = reach.all(condemned, alive)
  }
  return { alive, doomed: new Set(inOrder(graph, doomed)), orphanTags }
}

/** Those that are there, in the order of the tags and then of the digests: manifests are read side by side, and come in no order. */
function inOrder(graph: RepositoryGraph, doomed: ReadonlySet<Digest>): Iterable<Digest> {
  const tagged = [...graph.tags.values()].flatMap((digest) =>
    digest !== null && doomed.has(digest) ? [digest] : [],
  )
  const others = [...doomed].filter((digest) => graph.nodes.has(digest)).toSorted()
  return [...tagged, ...others]
}

/**
 * Tags on evidence whose subject no tag leads to: it is gone, or somebody keeps it by its digest. Evidence tags speak of their subject by their name,
 * other manifests by their `subject`.
 */
function orphansOf(graph: RepositoryGraph, leftovers: readonly Leftover[]): ReadonlySet<string> {
  // their subject is gone because an earlier run has deleted it, and it was to take them along
  const left = new Set(leftovers.flatMap(({ digest, tags }) => tags.map((tag) => `${tag} ${digest}`)))
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
