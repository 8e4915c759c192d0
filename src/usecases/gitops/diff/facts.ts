import type { RunningImage } from '../../../deployments/clusters/running-images.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { GitOpsOwner } from './desired-image.ts'

/** An image of the environment in a deployment file. */
export interface DeclaredEntry {
  /** the file and the position */
  readonly by: string
  readonly owner: GitOpsOwner
  readonly tag?: string
  readonly digest?: string
  /** why the entry cannot be compared, such as `it contains a variable` */
  readonly unclear?: string
}

export interface DeclaredFacts {
  readonly entries: readonly DeclaredEntry[]
  readonly unread: readonly UnreadFile[]
}

/** A file that may name images of the environment and that dray cannot parse. */
export interface UnreadFile {
  readonly file: string
  readonly why: string
}

/** The containers of a cluster that may run images of the environment. */
export interface ClusterFacts {
  readonly context: string
  readonly images: readonly RunningImage[]
  /** why the cluster could not be read */
  readonly error?: ErrorInfo
}

/** Facts of the registry that depend on files and clusters. Keys are references. */
export interface ComparedFacts {
  /** the digests of declared tags; null: there is no such tag */
  readonly tags: ReadonlyMap<string, Digest | null>
  /** the configs of the manifests of an image, by its digest */
  readonly configs: ReadonlyMap<string, readonly Digest[]>
  /** digests of containers that exist at a target, for containers from a mirror */
  readonly known: ReadonlySet<string>
  /** why facts of a repository are missing, by its name */
  readonly errors: ReadonlyMap<string, ErrorInfo>
}
