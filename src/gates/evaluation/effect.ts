import type { GateDefinition } from '../../config/gates/gate.ts'
import type { GateEffect, GateVerdict } from '../../plan/gates/gate-result.ts'

/**
 * Returns what follows from the verdict of a gate for the image.
 * @param override the reason of `--override-gate`
 */
export function effectOf(
  { mode, override: allowed }: Pick<GateDefinition, 'mode' | 'override'>,
  verdict: GateVerdict,
  override: string | undefined,
): GateEffect {
  if (verdict === 'pass' || verdict === 'skipped') return 'none'
  if (mode === 'warn') return 'warned'
  return override !== undefined && allowed === 'allowed' ? 'overridden' : 'refused'
}
