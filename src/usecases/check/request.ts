import type { ApplicableGate } from '../../gates/gate-request.ts'
import type { TagOrDigest } from '../../oci/reference.ts'
import type { PlacementEnd } from '../../plan/plan.ts'

/** An image whose gates are evaluated, without any change. */
export interface CheckRequest {
  /** as the user named it, or `api` if all of its tags are checked */
  readonly image: string
  readonly from: Omit<PlacementEnd, 'tag'>
  /** undefined: every image that has a tag */
  readonly at: TagOrDigest | undefined
  /** the user named the repository: without any tag, it is an error */
  readonly isNamed?: boolean
  /** at least one; the source itself if the image is checked in its place */
  readonly targets: readonly CheckTarget[]
}

export interface CheckTarget {
  readonly to: Omit<PlacementEnd, 'tag'>
  readonly gates: readonly ApplicableGate[]
}
