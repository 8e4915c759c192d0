import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { Hash } from '../plan.ts'

/**
 * `dray-bundle.json`, canonical JSON: everything that a bundle contains, and what its base must
 * have brought. A signature over it covers every byte, because all content is named by digest.
 */
export interface BundleDocument {
  readonly schema: 'dray.bundle/1'
  /** `sha256:` and hex of this document without `id` */
  readonly id: Hash
  /** from 1; one more than that of the base */
  readonly sequence: number
  readonly base?: BundleBase
  /** in the order of the contents of the tar */
  readonly roots: readonly BundleRoot[]
  /** manifests, then other blobs, in the order of the tar; each once */
  readonly carries: readonly BundleContent[]
  /** content of the roots that the base brought and this bundle does not carry */
  readonly expects: readonly BundleContent[]
  /** tags to delete at the destination */
  readonly deletes: readonly BundleTag[]
  /** ISO 8601, UTC; only from SOURCE_DATE_EPOCH */
  readonly createdAt?: string
}

/** The bundle or receipt that an increment follows. */
export interface BundleBase {
  readonly id: Hash
  readonly sequence: number
  /** `receipt`: it arrived; `bundle`: that is assumed */
  readonly by: 'receipt' | 'bundle'
}

/** An image with its tags, and its attached artifacts. */
export interface BundleRoot {
  /** the path below `--to`: `library/alpine` */
  readonly repository: string
  readonly root: Descriptor
  /** empty: it is an attached artifact, or an image that was named by its digest */
  readonly tags: readonly string[]
  /** its origin, such as `docker.io/library/alpine` */
  readonly source: string
  readonly rule?: string
  /** the rule has `movedTags: follow`: version tags move from where the base put them */
  readonly movedTags?: 'follow'
  /** tags that the base put on another digest */
  readonly replaces?: readonly { readonly tag: string; readonly digest: Digest }[]
  /** of an index: the platforms that are complete; absent: all */
  readonly platforms?: readonly string[]
  /** of an attached artifact: its subject, and its tag if it is under one */
  readonly attached?: { readonly subject: Digest; readonly via: 'subject' | 'tag'; readonly tag?: string }
}

/** A manifest or another blob. */
export interface BundleContent {
  readonly digest: Digest
  /** bytes */
  readonly size: number
  readonly kind: 'manifest' | 'blob'
  /** the path below `--to` of the first root that has it: others can mount it from there */
  readonly repository: string
}

/** A tag to delete. */
export interface BundleTag {
  readonly repository: string
  readonly tag: string
  /** the digest that the base put there; another one is a conflict */
  readonly digest: Digest
  /** the rule that no longer selects it */
  readonly rule: string
}

/** `dray.receipt/1`: what a destination has after a bundle was applied. */
export interface BundleReceipt {
  readonly schema: 'dray.receipt/1'
  readonly bundle: { readonly id: Hash; readonly sequence: number }
  /** as in `--to`: `mirror.internal/hub` */
  readonly destination: string
  readonly roots: readonly BundleRoot[]
  /** everything that the roots of all bundles so far consist of and that is there */
  readonly present: readonly BundleContent[]
  /** the last record of the audit log after the run */
  readonly auditHead?: { readonly seq: number; readonly hash: Hash }
}

/** `dray.need/1`: what a destination lacks although its base should have brought it. */
export interface BundleNeed {
  readonly schema: 'dray.need/1'
  readonly bundle: { readonly id: Hash; readonly sequence: number }
  readonly missing: readonly BundleContent[]
}
