import type { Digest } from '../../oci/digest.ts'
import { fallbackTag, isEvidenceTag, subjectOfEvidenceTag } from '../../oci/evidence-tags.ts'
import { subjectKeyOf } from '../../images/graph/reach.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { OrphanedManifest } from './snapshot.ts'

/**
 * Returns the tags on attached artifacts whose subject was not found: it is missing, or it has no
 * tag. Each has its subject, or undefined if the tag does not hold the whole digest. Evidence tags
 * name their subject; other manifests have the field `subject`. Pure.
 * @param interrupted an interrupted run has deleted the subject of these, and they are deleted too
 */
export function listOrphanedTags(
  graph: RepositoryGraph,
  interrupted: readonly OrphanedManifest[],
): ReadonlyMap<string, Digest | undefined> {
  const resumed = new Set(interrupted.flatMap(({ digest, tags }) => tags.map((tag) => `${tag} ${digest}`)))
  const known = new Set([...graph.nodes.keys()].map(fallbackTag))
  const orphans = new Map<string, Digest | undefined>()
  for (const [tag, digest] of graph.tags) {
    if (digest === null || resumed.has(`${tag} ${digest}`)) continue
    if (isEvidenceTag(tag)) {
      if (!known.has(subjectKeyOf(tag))) orphans.set(tag, subjectOfEvidenceTag(tag))
      continue
    }
    const subject = graph.nodes.get(digest)?.subject
    if (subject !== undefined && !graph.nodes.has(subject)) orphans.set(tag, subject)
  }
  return orphans
}
