import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName, TagOrDigest } from '../../oci/reference.ts'
import type { TagPolicy } from '../../semver/tag-policy.ts'
import type { VersionTag } from '../../semver/version.ts'
import type { Evidence } from '../../images/evidence/evidence.ts'
import type { Graph } from '../../images/graph/graph.ts'
import type { UnreadTarget } from '../../images/graph/unread.ts'

/** One image that is to go to one or several targets. */
export interface Request {
  /** as the person named it */
  readonly image: string
  readonly from: {
    readonly environment?: string
    readonly repository: RepositoryName
    readonly at: TagOrDigest
  }
  readonly to: {
    readonly environment?: string
    /** the environments that this one takes images from; undefined: from anywhere */
    readonly accepts?: readonly string[]
    readonly targets: readonly RepositoryName[]
    /** put a statement of the promotion beside the image, before its tags move */
    readonly attest?: boolean
    /** globs of tags that do not move there */
    readonly immutable?: readonly string[]
    /** tags there are read as versions with build metadata */
    readonly buildMetadata?: boolean
  }
  /** tags to be written at every target, in any order */
  readonly tags: readonly string[]
  /** the floating tags of the image's version are kept up too */
  readonly keepUp?: KeepUp
  /** refuse anything but this */
  readonly expect?: Digest
}

export interface KeepUp {
  readonly policy: TagPolicy
  /** `tags` are the source's own name, not chosen for the target: where they say no version, the version tags on the image do */
  readonly mayDerive: boolean
  /** a floating tag of the version moves by the rules also if `tags` names it */
  readonly isForwardOnly?: true
}

/** What the world was like when it was read. */
export interface Snapshot {
  readonly request: Request
  readonly source: SourceSnapshot
  /** in the order of the request */
  readonly targets: readonly (TargetSnapshot | UnreadTarget)[]
}

export interface SourceSnapshot {
  readonly root: Descriptor
  readonly graph: Graph
  /** of the image, its children and of the evidence itself, a piece after its subject; empty where it was not looked for */
  readonly evidence: readonly Evidence[]
  /** the version tags on it, where its version had to be found out */
  readonly versions?: readonly VersionTag[]
}

export interface TargetSnapshot {
  readonly kind: 'read'
  readonly repository: RepositoryName
  /** of the tags that are to be written, or that tell of the version: null where there is none */
  readonly tags: ReadonlyMap<string, Digest | null>
  /** all tags, where floating tags are kept up */
  readonly listed?: readonly string[]
  /** asked where no tag is to be written, else false: the root is there by its digest */
  readonly rootByDigest: boolean
  /** by subject: the referrers that are there */
  readonly referrers: ReadonlyMap<Digest, ReadonlySet<Digest>>
  /** by evidence tag of the source: what stands under it here */
  readonly evidenceTags: ReadonlyMap<string, EvidenceTag>
  /** roots, of the image or of its evidence, that are there and not whole; empty where that was not looked for */
  readonly damaged: ReadonlySet<Digest>
}

/** Whether the root was seen at a target: under one of the tags, or by its digest. */
export function hasRoot(target: TargetSnapshot, root: Digest): boolean {
  return target.rootByDigest || [...target.tags.values()].includes(root)
}

export interface EvidenceTag {
  readonly digest: Digest
  /** what it carries: each signature or attestation as one string that two registries can be compared by */
  readonly pieces: readonly string[]
}
