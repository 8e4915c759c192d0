import type { ErrorInfo } from '../../lib/errors.ts'
import type { Placement, PlacementId, Plan, Refusal } from '../plan.ts'
import { gateRefusals } from './gate-errors.ts'
import type { GateResult } from './gate-result.ts'
import { refuseImages } from './refuse-images.ts'

/** The results of the gates at one placement. */
export interface JudgedPlacement {
  readonly gates: readonly GateResult[]
  /** why it is refused beside its gates, such as an override that a gate forbids */
  readonly errors?: readonly ErrorInfo[]
}

/**
 * Adds the results of gates to their placements, and refuses the images that a gate does not allow:
 * pure. Warned and overridden gates refuse nothing.
 */
export function applyGateResults(
  plan: Plan,
  judged: ReadonlyMap<PlacementId, JudgedPlacement>,
  options: { readonly partial: boolean },
): Plan {
  if (judged.size === 0) return plan
  const placements = plan.placements.map((placement) => withGates(placement, judged.get(placement.id)?.gates))
  const refusals = plan.placements.flatMap((placement): Refusal[] => {
    const { gates = [], errors = [] } = judged.get(placement.id) ?? {}
    return [...errors, ...gateRefusals(placement, gates)].map((error) => ({
      image: placement.image,
      placement: placement.id,
      error,
    }))
  })
  return refuseImages({ ...plan, placements }, refusals, options)
}

/** The placement with these results in place of those that it has. */
export function withGates(
  { gates: _gates, ...placement }: Placement,
  gates: readonly GateResult[] = [],
): Placement {
  return gates.length === 0 ? placement : { ...placement, gates }
}
