import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { VersionTag } from '../../semver/version.ts'
import type { Evidence } from '../../images/evidence/evidence.ts'
import type { Graph } from '../../images/graph/graph.ts'
import type { PlacingSnapshot, TargetTags } from '../placing/snapshot.ts'
import type { PromoteRequest } from './request.ts'

export interface PromoteSnapshot extends PlacingSnapshot<PromoteRequest, PromoteTarget> {
  readonly source: PromoteSource
}

export interface PromoteSource {
  readonly root: Descriptor
  readonly graph: Graph
  /** attached artifacts of the image, of its children and of artifacts, each after its subject */
  readonly evidence: readonly Evidence[]
  /** the version tags on the root, if the request does not name a version */
  readonly versions?: readonly VersionTag[]
}

export interface PromoteTarget extends TargetTags {
  /** the root exists by its digest; only read if no tag is to be written */
  readonly rootByDigest: boolean
  /** by subject: the referrers at the target */
  readonly referrers: ReadonlyMap<Digest, ReadonlySet<Digest>>
  /** by cosign tag of the source: the manifest under it at the target */
  readonly evidenceTags: ReadonlyMap<string, CosignManifest>
  /** the target has the root, and lacks some of the selected platforms */
  readonly lacksPlatforms?: true
  /** roots of the image or of attached artifacts with missing content; only found by `--verify` */
  readonly damaged: ReadonlySet<Digest>
}

/** Whether the target has the root, under one of the tags or by its digest. */
export function hasRoot(target: PromoteTarget, root: Digest): boolean {
  return target.rootByDigest || [...target.tags.values()].includes(root)
}

export interface CosignManifest {
  readonly digest: Digest
  /** signatures or attestations, as strings that can be compared between registries */
  readonly entries: readonly string[]
}
