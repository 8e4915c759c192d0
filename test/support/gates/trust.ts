import type { Approver, GateTrust } from '../../../src/gates/gate-trust.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { canonicalJson } from '../../../src/plan/canonical-json.ts'
import type { TestSigner } from './test-signer.ts'

/** Signers by name, and people of the group `leads` with an account `github:NAME` each. */
export function gateTrust(
  signers: Readonly<Record<string, TestSigner>>,
  people: Readonly<Record<string, TestSigner>> = {},
): GateTrust {
  const leads = Object.entries(people).map(([person, signer]): Approver => ({
    person,
    signer: signer.trusted(`leads/${person}`),
    actors: [`github:${person}`],
  }))
  return {
    signers: new Map(Object.entries(signers).map(([name, signer]) => [name, signer.trusted(name)])),
    approvers: new Map(leads.length === 0 ? [] : [['leads', leads]]),
    definitionHash: (gate) => digestOf(canonicalJson({ ...gate, path: [] })),
  }
}
