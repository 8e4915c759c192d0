import type { Descriptor } from '../../oci/descriptor.ts'
import type { VersionTag } from '../../semver/version.ts'
import type { PlacingSnapshot, TargetTags } from '../placing/snapshot.ts'
import type { TagRequest } from './request.ts'

export interface TagSnapshot extends PlacingSnapshot<TagRequest, TagTarget> {
  readonly root: Descriptor
  /** with `label`: the distinct versions in the labels and annotations of the image */
  readonly labels?: readonly string[]
  /**
   * with `next`: the highest version tag of all targets, and the highest one of the variant on the
   * image itself
   */
  readonly highest?: { readonly tag: VersionTag; readonly own?: VersionTag }
}

export interface TagTarget extends TargetTags {
  /** the image exists there */
  readonly hasRoot: boolean
}
