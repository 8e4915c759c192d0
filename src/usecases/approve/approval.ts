import type { ApprovalDecision } from '../../audit/attestation/approval-statement.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import type { GateResult } from '../../plan/gates/gate-result.ts'
import type { PlacementEnd } from '../../plan/plan.ts'
import type { TagOrDigest } from '../../oci/reference.ts'

/** An image that a person decides about. */
export interface ApprovalRequest {
  /** without its environment: `api:1.4.2` */
  readonly image: string
  /** its name in the environment that it goes to */
  readonly name: string
  /** its repository; the statement is attached there */
  readonly from: PlacementEnd
  readonly at: TagOrDigest
}

/** The decision of a person, the same for all images of a run. */
export interface Decision {
  readonly environment: string
  readonly decision: ApprovalDecision
  readonly reason?: string
  /** ISO 8601, UTC */
  readonly expires?: string
  readonly key: {
    readonly file: string
    readonly fingerprint: Digest
    /** the people of `dray.yaml` that have it */
    readonly people: readonly string[]
  }
}

/** An image of a request that exists. */
export interface ImageToApprove extends ApprovalRequest {
  readonly root: Descriptor
}

/** The outcome for one image. */
export interface ApprovedImage {
  readonly image: string
  readonly from: PlacementEnd
  readonly digest: Digest
  readonly result: 'planned' | 'done' | 'failed' | 'notAttempted'
  /** the manifest of the statement */
  readonly artifact?: Digest
  /** the gates of the environment that count approvals, judged with the new one */
  readonly gates?: readonly GateResult[]
  readonly error?: ErrorInfo
}
