import type { GateDefinition } from '../config/gates/gate.ts'
import type { Hash } from '../plan/plan.ts'
import type { TrustedSigner } from '../signing/trust/signer.ts'

/** The signers of `dray.yaml` with their keys and roots. */
export interface GateTrust {
  readonly signers: ReadonlyMap<string, TrustedSigner>
  /** by group */
  readonly approvers: ReadonlyMap<string, readonly Approver[]>
  /** The hash of a definition, with the bytes of the keys and roots of its signers. */
  readonly definitionHash: (gate: GateDefinition) => Hash
}

/** A person who can approve. */
export interface Approver {
  readonly person: string
  /** its name is `GROUP/PERSON` */
  readonly signer: TrustedSigner
  /** CI accounts, such as `github:ada` */
  readonly actors: readonly string[]
}
