import type { ReportFile } from '../../../gates/gate-request.ts'
import type { GateTrust } from '../../../gates/gate-trust.ts'
import type { PlacementOperation } from '../../../plan/plan.ts'
import type { Context } from '../../wiring/context.ts'
import type { GateFlags } from '../gate-flags.ts'
import { createGatePorts } from '../gate-ports.ts'
import { GateRun } from './gate-run.ts'
import { gatesOfPlacement, type RuleGates } from './rule-gates.ts'

export interface GateRunOptions {
  readonly operation: PlacementOperation
  /** the keys and roots of the gates of the targets */
  readonly trust: GateTrust
  /** the reason of each override, by the name of the gate */
  readonly overrides: ReadonlyMap<string, string>
  readonly reportFiles: readonly ReportFile[]
  /** the gates of sync rules */
  readonly rules: RuleGates
}

/** Opens what judges the images of a run by the gates of today's `dray.yaml`. */
export async function openGateRun(
  { operation, rules, ...options }: GateRunOptions,
  { reason, ticket, actor }: GateFlags,
  context: Context,
): Promise<GateRun> {
  const loaded = await context.config()
  const [{ judge }, ports] = await Promise.all([
    import('../../../gates/judge.ts'),
    createGatePorts(context, loaded, { reason, ticket, actor, ...options }),
  ])
  return new GateRun({
    operation,
    gatesOf: (placement) => gatesOfPlacement(placement, loaded, rules),
    gate: ports,
    judge,
  })
}
