import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { RepositoryGraph } from '../../images/graph/repository-graph.ts'
import type { Known } from '../../images/ports.ts'
import type { ReferenceInUse } from './policy/policy.ts'

/** A repository that is to be looked at. */
export interface PruneRequest {
  readonly repository: RepositoryName
  /** as a person would name it: `@dev/api`, else `registry.example.com/dev/api` */
  readonly image: string
  readonly environment?: string
  /** what something runs of it */
  readonly inUse: readonly ReferenceInUse[]
  /** what a run that was broken off has left without anything that leads to it */
  readonly orphaned: readonly OrphanedManifest[]
}

/** A manifest whose delete was planned by an earlier run, which had deleted what led to it. */
export interface OrphanedManifest {
  readonly digest: Digest
  /** what it belonged to */
  readonly of: readonly Digest[]
  /** the tags that were to go with it */
  readonly tags: readonly string[]
}

/** All that was read of a repository, at one moment. */
export interface RepositorySnapshot extends PruneRequest {
  readonly graph: RepositoryGraph
  /** what the configs say that were read, by the digest of their manifest */
  readonly configTimes: ReadonlyMap<Digest, ConfigTime>
  /** milliseconds since 1970: the earlier of this machine's and the registry's clock */
  readonly now: number
  readonly canUntag: Known
  /** as in the plan */
  readonly referrers: 'read' | 'remembered'
}

/** `created` of an image's config as it stands there; or why it cannot be had. */
export type ConfigTime = { readonly created: string | undefined } | { readonly why: string }
