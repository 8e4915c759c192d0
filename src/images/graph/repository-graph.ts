import type { Digest } from '../../oci/digest.ts'
import { isEvidenceTag } from '../../oci/evidence-tags.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { RepositoryNode } from './repository-node.ts'

/**
 * Everything that the API shows of a repository: its tags, and the manifests that they reach by
 * children, subjects and evidence tags.
 */
export interface RepositoryGraph {
  readonly repository: RepositoryName
  /** every tag; null: it is listed and has no manifest */
  readonly tags: ReadonlyMap<string, Digest | null>
  readonly nodes: ReadonlyMap<Digest, RepositoryNode>
  /** listed by an index or a list of referrers, and does not exist */
  readonly missing: ReadonlySet<Digest>
}

/** Returns the tags that have a manifest, with its digest, except tags of attached artifacts. */
export function imageTags({ tags }: RepositoryGraph): ReadonlyMap<string, Digest> {
  const own = [...tags].flatMap(([tag, digest]) =>
    digest === null || isEvidenceTag(tag) ? [] : [[tag, digest] as const],
  )
  return new Map(own)
}

/** The result of a scan of a repository; it saves requests in the next run. */
export interface PreviousScan {
  readonly tags: ReadonlyMap<string, Digest>
  /** by each manifest whose referrers were listed: the indexes among them */
  readonly indexReferrers: ReadonlyMap<Digest, readonly Digest[]>
}

/** How listed manifests are read. */
export interface ListedReadOptions {
  /** the listed manifests below them are read too */
  readonly below?: boolean
  /** is called for a manifest that cannot be read */
  readonly failed?: (digest: Digest, error: unknown) => void
  /** whether a request is allowed; others are read from the cache alone. By default all */
  readonly mayRequest?: (node: RepositoryNode) => boolean
}
