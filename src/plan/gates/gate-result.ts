import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'

export const gateKinds = [
  'signature',
  'attestation',
  'scan',
  'sbom',
  'soak',
  'approvals',
  'completeness',
  'cel',
] as const
export type GateKind = (typeof gateKinds)[number]

/** The verdict of an evaluation about an image or one of its platform images. */
export type GateVerdict = (typeof gateVerdicts)[number]
export const gateVerdicts = ['pass', 'fail', 'error', 'skipped'] as const

/** The consequence of the verdict for the image. */
export type GateEffect = (typeof gateEffects)[number]
export const gateEffects = ['none', 'refused', 'warned', 'overridden'] as const

/**
 * The result of one gate for one image at one target: the same in the plan, the JSON documents, the
 * audit records, the events of the webhook and the attestation of the promotion. It contains no
 * key material.
 */
export interface GateResult {
  /** unique in its environment */
  readonly name: string
  /** the environment that demands the gate */
  readonly environment: string
  readonly kind: GateKind
  /** `error`: evidence could not be read, so nothing is known; `skipped`: not about this image */
  readonly result: GateVerdict
  readonly effect: GateEffect
  /** one line for a person: why it passed or failed */
  readonly reason: string
  /** the digests that the gate applied to */
  readonly subjects: readonly GateSubjectResult[]
  /** the attached artifacts that the result is based on */
  readonly evidence: readonly GateEvidence[]
  /** hash of the definition, with the keys and roots of its signers: `sha256:` and hex */
  readonly definition: string
  /** ISO 8601, UTC */
  readonly evaluatedAt: string
  /** when a pass ends, ISO 8601, UTC; absent if it does not end by time alone */
  readonly validUntil?: string
  /** when a gate that waits passes, ISO 8601, UTC */
  readonly passesAfter?: string
  /** of an overridden gate */
  readonly override?: GateOverride
  /** what does not decide: broken signatures, those of others, replays, unused exceptions */
  readonly warnings?: readonly string[]
  /** what to do about a failure: one imperative sentence with the command */
  readonly hint?: string
  /** of an `error`: the read that failed */
  readonly error?: ErrorInfo
}

export interface GateSubjectResult {
  readonly digest: Digest
  /** as `linux/arm64/v8`; absent for the resolved image */
  readonly platform?: string
  readonly result: GateVerdict
  readonly reason: string
}

export interface GateEvidence {
  /** the manifest of the attached artifact, or the SHA-256 of a report file */
  readonly digest: Digest
  /** as `formatIdentity` writes it: a key fingerprint, or an identity with its issuer */
  readonly signer?: string
  /** the time that counted: ISO 8601, UTC */
  readonly time?: string
}

/** A decision of a person for one run to write although a gate fails. */
interface GateOverride {
  readonly reason: string
}

/** Identifies a gate among those of several environments. */
export function gateKey({
  name,
  environment,
}: {
  readonly name: string
  readonly environment: string
}): string {
  return JSON.stringify([environment, name])
}
