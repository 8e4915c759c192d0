import type { Digest } from '../../../oci/digest.ts'
import type { Platform } from '../../../oci/platform.ts'
import type { RepositoryName, TagOrDigest } from '../../../oci/reference.ts'
import type { BundleBase, BundleRoot } from '../../../plan/bundle/bundle-document.ts'

/** An image to pack into a bundle. */
export interface PackRequest {
  /** as the user named it */
  readonly image: string
  readonly repository: RepositoryName
  readonly at: TagOrDigest
  /** the path below `--to` of `bundle apply` */
  readonly path: string
  /** its origin, without folders of this machine */
  readonly source: string
  /** the tags that it has at the destination */
  readonly tags: readonly string[]
  readonly rule?: string
  /** the rule has `movedTags: follow` */
  readonly followsSource?: true
  /** the platforms to pack of an index; undefined: all */
  readonly platforms?: readonly Platform[]
}

/** The content that the destination received before. */
export interface BundleHistory {
  readonly base: BundleBase
  readonly roots: readonly BundleRoot[]
  /** by digest: the path of a repository that has it */
  readonly received: ReadonlyMap<Digest, string>
}
