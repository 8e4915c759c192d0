import type { Placement } from '../plan.ts'
import { gateKey, type GateResult } from './gate-result.ts'

/**
 * Returns what dray cannot have written about the gates of a placement; undefined if there is
 * nothing.
 * @param hasSteps the plan changes something for the placement
 */
export function gateMismatchOf({ gates = [] }: Placement, hasSteps: boolean): string | undefined {
  const seen = new Set<string>()
  for (const gate of gates) {
    const key = gateKey(gate)
    if (seen.has(key)) return `has two results of the gate ${gate.name} of ${gate.environment}`
    seen.add(key)
    if (!isPossible(gate))
      return `has the effect ${gate.effect} for the gate ${gate.name}, which does not fit its result`
    if (hasSteps && gate.effect === 'refused') return `has steps although the gate ${gate.name} refuses it`
  }
  return undefined
}

function isPossible({ result, effect, override }: GateResult): boolean {
  const isFine = result === 'pass' || result === 'skipped'
  if (isFine !== (effect === 'none')) return false
  return effect !== 'overridden' || override !== undefined
}
