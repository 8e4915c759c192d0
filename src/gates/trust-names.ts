import type { GateDefinition } from '../config/gates/gate.ts'

/** Returns the names of the signers that a gate refers to. */
export function signersOf(gate: GateDefinition): readonly string[] {
  const own = 'signedBy' in gate ? (gate.signedBy ?? []) : []
  return gate.kind === 'scan' ? [...own, ...(gate.vexSignedBy ?? [])] : own
}

/** Returns the names of the groups of approvers that a gate refers to. */
export function groupsOf(gate: GateDefinition): readonly string[] {
  return gate.kind === 'approvals' ? gate.approvers : []
}
