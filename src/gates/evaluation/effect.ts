import type { GateDefinition } from '../../config/gates/gate.ts'
import type { GateEffect, GateResult, GateVerdict } from '../../plan/gates/gate-result.ts'

/**
 * Returns the effect that the verdict of a gate has on the image, with the override if it decides.
 * @param reason of `--override-gate`; undefined: the gate is not overridden
 */
export function consequenceOf(
  gate: Pick<GateDefinition, 'mode' | 'override'>,
  verdict: GateVerdict,
  reason: string | undefined,
): Pick<GateResult, 'effect' | 'override'> {
  const effect = effectOf(gate, verdict, reason)
  return { effect, ...(effect === 'overridden' && reason !== undefined && { override: { reason } }) }
}

function effectOf(
  { mode, override: allowed }: Pick<GateDefinition, 'mode' | 'override'>,
  verdict: GateVerdict,
  override: string | undefined,
): GateEffect {
  if (verdict === 'pass' || verdict === 'skipped') return 'none'
  if (mode === 'warn') return 'warned'
  return override !== undefined && allowed === 'allowed' ? 'overridden' : 'refused'
}
