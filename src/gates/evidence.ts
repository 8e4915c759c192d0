import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { SignedContent, VerifiedSigner } from '../signing/trust/verdict.ts'

/** One layer of an attached artifact that was read, with what its signatures prove. */
export interface AttachedEvidence {
  /** the manifest of the attached artifact; of a report file, the SHA-256 of its bytes */
  readonly artifact: Digest
  /** the image or platform image that it is attached to */
  readonly attachedTo: Digest
  readonly layout: 'bundle' | 'simpleSigning' | 'dsse' | 'buildx' | 'plain' | 'notation' | 'reportFile'
  /** the configured signers whose signatures verified; empty: it counts as unsigned */
  readonly signers: readonly VerifiedSigner[]
  /** why its other signatures do not count */
  readonly problems: readonly string[]
  readonly content:
    | SignedContent
    | {
        /** a bare SBOM or report, without a statement */
        readonly kind: 'document'
        readonly mediaType: string
        readonly bytes: Uint8Array
      }
    /** it was read and cannot be parsed, or is beyond a limit */
    | {
        readonly kind: 'unreadable'
        readonly reason: string
        readonly predicateType?: string
        /** its bytes are missing, damaged or beyond a limit: it may be anything */
        readonly isDamaged?: true
      }
  /** of a report file with `DIGEST=`: the digest that the user asserts */
  readonly assertedDigest?: Digest
}

/** A manifest that a gate can apply to. */
export interface JudgedSubject {
  readonly digest: Digest
  /** `linux/arm64/v8`; undefined for an index */
  readonly platform?: string
  /** the digest of the image config; undefined for an index */
  readonly config?: Digest
  /** labels of the image config; only read for CEL rules */
  readonly labels?: Readonly<Record<string, string>>
  readonly created?: string
}

/** Everything that the gates of one image are evaluated with. */
export interface JudgedImage {
  /** the name of the image in `dray.yaml` */
  readonly image: string
  /** the tag that the source was resolved by */
  readonly tag?: string
  /** the resolved digest: an index or a single manifest */
  readonly root: JudgedSubject
  /** `root` if it is a platform image itself; empty for an artifact without platforms */
  readonly platforms: readonly JudgedSubject[]
  readonly annotations: Readonly<Record<string, string>>
  /** bytes of the image */
  readonly size: number
  readonly source: RepositoryName
  readonly evidence: readonly AttachedEvidence[]
  /** manifests of all attached artifacts, also of those that were not read */
  readonly attached: ReadonlySet<Digest>
  /** a limit that was exceeded: every gate that needs evidence fails and names it */
  readonly limit?: string
  /** milliseconds that the registry's clock is ahead; undefined: it sent no `Date` */
  readonly clockDifference?: number
  /** by environment: whether its current-version tag is on the image now, at each of its targets */
  readonly isCurrentIn: ReadonlyMap<string, boolean>
}
