import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { RepositoryNode } from './repository-node.ts'

/** All that can be seen of a repository: its tags, and the manifests that they lead to by children, subjects and evidence tags. */
export interface RepositoryGraph {
  readonly repository: RepositoryName
  /** every tag; null: it is listed, and there is no manifest under it */
  readonly tags: ReadonlyMap<string, Digest | null>
  readonly nodes: ReadonlyMap<Digest, RepositoryNode>
  /** listed by an index or a list of referrers, and not there */
  readonly missing: ReadonlySet<Digest>
}

/** The tags that people gave and under which there is something, with what they are on: evidence tags apart. */
export function imageTags({ tags }: RepositoryGraph): ReadonlyMap<string, Digest> {
  const own = [...tags].flatMap(([tag, digest]) =>
    digest === null || isEvidenceTag(tag) ? [] : [[tag, digest] as const],
  )
  return new Map(own)
}

/** What a run saw of a repository, for the next one. */
export interface PreviousScan {
  readonly tags: ReadonlyMap<string, Digest>
  /** of every manifest whose list of referrers was read: the indexes in it */
  readonly indexReferrers: ReadonlyMap<Digest, readonly Digest[]>
}
