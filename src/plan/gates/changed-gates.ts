import { gateKey, type GateResult } from './gate-result.ts'

/** A gate of today's `dray.yaml`, by the hash of its definition. */
export type DefinedGate = Pick<GateResult, 'name' | 'environment' | 'definition'>

/**
 * Returns how the gates of a plan differ from those of now, one line for each: pure. Empty if they
 * are the same.
 */
export function changedGates(
  planned: readonly DefinedGate[],
  now: readonly DefinedGate[],
): readonly string[] {
  const before = new Map(planned.map((gate) => [gateKey(gate), gate]))
  const after = new Map(now.map((gate) => [gateKey(gate), gate]))
  const nameOf = ({ name, environment }: DefinedGate): string => `${name} of ${environment}`
  return [
    ...now.flatMap((gate) => {
      const known = before.get(gateKey(gate))
      if (known === undefined) return [`${nameOf(gate)}: not in the plan`]
      return known.definition === gate.definition ? [] : [`${nameOf(gate)}: another definition`]
    }),
    ...planned.flatMap((gate) => (after.has(gateKey(gate)) ? [] : [`${nameOf(gate)}: not in dray.yaml`])),
  ]
}
