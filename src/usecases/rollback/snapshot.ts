import type { Descriptor } from '../../oci/descriptor.ts'
import type { VersionTag } from '../../semver/version.ts'
import type { PlacingSnapshot, TargetTags } from '../placing/snapshot.ts'
import type { RollbackRequest } from './request.ts'

export interface RollbackSnapshot extends PlacingSnapshot<RollbackRequest, RollbackTarget> {
  /** from the first target (with `partial`, the first that can be read); must be in all of them */
  readonly release: Release
}

/** The image that the floating tags go back to, and its version tag. */
export interface Release {
  readonly tag: VersionTag
  readonly root: Descriptor
}

export interface RollbackTarget extends TargetTags {
  readonly listed: readonly string[]
  /** the version tag of the release here; undefined if it is on another image or missing */
  readonly exact: string | undefined
}
