import type { GateOperation } from '../config/gates/gate.ts'
import type { GateEvidence, GateSubjectResult } from '../plan/gates/gate-result.ts'
import type { Digest } from '../oci/digest.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { PlacementEnd } from '../plan/plan.ts'
import type { SbomComponent } from '../reports/sbom.ts'
import type { Vulnerability } from '../reports/vulnerability.ts'
import type { JudgedImage } from './evidence.ts'
import type { Approver } from './gate-trust.ts'

/** The facts of an evaluation that are not part of the image. */
export interface EvaluationContext {
  /** milliseconds since 1970, by the clock of this machine */
  readonly now: number
  readonly operation: GateOperation | 'check'
  readonly from: PlacementEnd
  readonly to: PlacementEnd
  /** who runs dray: CI accounts such as `github:ada`, and user names */
  readonly actors: readonly string[]
  readonly reason?: string
  readonly ticket?: string
  /** by group */
  readonly approvers: ReadonlyMap<string, readonly Approver[]>
  /** names of the signers that have keys, for the commands in hints; the evaluation adds it */
  readonly keySigners?: ReadonlySet<string>
  /** names of the environments of `dray.yaml` that hold a repository */
  readonly environmentsOf: (repository: RepositoryName) => readonly string[]
}

/** The result of one kind of gate, before mode and overrides. */
export interface KindResult {
  readonly result: 'pass' | 'fail'
  readonly reason: string
  readonly subjects: readonly GateSubjectResult[]
  readonly evidence: readonly GateEvidence[]
  /** milliseconds since 1970 */
  readonly validUntil?: number
  /** milliseconds since 1970 */
  readonly passesAfter?: number
  readonly hint?: string
  readonly warnings?: readonly string[]
  /** verified facts for CEL rules; only of a gate that passed */
  readonly facts?: GateFacts
}

/** The verified facts of a gate: `attestations.NAME`, `scan`, `sbom` and `signers` of a rule. */
export interface GateFacts {
  readonly attestations?: readonly VerifiedStatement[]
  readonly vulnerabilities?: readonly SubjectVulnerability[]
  readonly components?: readonly SubjectComponent[]
  readonly signers?: readonly SubjectSigner[]
}

/** The name of a signer, with the manifest that it signed. */
export interface SubjectSigner {
  readonly signer: string
  readonly subject: Digest
}

/** A finding, with the manifest that the gate judged. */
interface SubjectVulnerability extends Vulnerability {
  readonly subject: Digest
}

/** A component, with the manifest that the gate judged. */
interface SubjectComponent extends SbomComponent {
  readonly subject: Digest
}

interface VerifiedStatement {
  readonly predicateType: string
  readonly predicate: unknown
  /** the digest that it is about */
  readonly subject: Digest
  readonly signer: string
}

/** One kind of gate: pure. Only CEL rules use `facts`, those of the other gates by name. */
export type EvaluateKind<Definition> = (
  gate: Definition,
  image: JudgedImage,
  context: EvaluationContext,
  facts: ReadonlyMap<string, GateFacts>,
) => KindResult
