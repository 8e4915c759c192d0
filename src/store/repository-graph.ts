import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'

/** A manifest of a repository, by what it reaches. */
export interface RepositoryNode {
  /** media type, digest and size alone */
  readonly descriptor: Descriptor
  /** `opaque`: of a kind that is not read (docker schema 1); it reaches nothing but its layers */
  readonly kind: 'index' | 'manifest' | 'opaque'
  /** of an index, in its order */
  readonly children: readonly ChildEntry[]
  readonly blobs: readonly Blob[]
  /** of a manifest, where it is the config of an image: its time may stand there */
  readonly config?: Descriptor
  readonly subject?: Digest
  readonly artifactType?: string
  /** the annotation `org.opencontainers.image.created`, as it stands there */
  readonly created?: string
}

export interface ChildEntry {
  readonly digest: Digest
  /** it says something about another child and is not run */
  readonly isAttestation: boolean
}

/** size in bytes */
export interface Blob {
  readonly digest: Digest
  readonly size: number
}

/** All that can be seen of a repository: its tags, and the manifests that they lead to by children, subjects and evidence tags. */
export interface RepositoryGraph {
  readonly repository: RepositoryName
  /** every tag; null: it is listed, and there is no manifest under it */
  readonly tags: ReadonlyMap<string, Digest | null>
  readonly nodes: ReadonlyMap<Digest, RepositoryNode>
  /** listed by an index or a list of referrers, and not there */
  readonly missing: ReadonlySet<Digest>
}
