import type { Digest } from '../../oci/digest.ts'
import type { GateResult } from './gate-result.ts'

/**
 * Fails each gate that passed because of evidence that will not be at the target: pure. A
 * controller there could not repeat the check (docs/gates.md, Attached artifacts that gates use).
 * @param arrives whether the evidence is at the target once the plan is executed
 * @param effectOf the consequence if the gate fails
 */
export function failUncarried(
  gates: readonly GateResult[],
  arrives: (evidence: Digest) => boolean,
  effectOf: (gate: GateResult) => Pick<GateResult, 'effect' | 'override'>,
): readonly GateResult[] {
  return gates.map((gate) => {
    const missing = gate.result === 'pass' ? gate.evidence.filter(({ digest }) => !arrives(digest)) : []
    if (missing.length === 0) return gate
    const { validUntil: _validUntil, ...failed } = gate
    return {
      ...failed,
      result: 'fail',
      ...effectOf(gate),
      reason: `passed by attached artifacts that would not be at the destination: ${missing.map(({ digest }) => digest).join(', ')}`,
      hint: 'Copy all attached artifacts: remove --no-evidence and --evidence-conflict keep.',
    }
  })
}
