import type { ConflictPorts } from '../../../execute/records/explain-conflict.ts'
import type { PlanAttempt } from '../../../plan/attempts/decide-again.ts'
import type { Plan } from '../../../plan/plan.ts'
import { justificationOf } from '../justification.ts'
import type { ChangePorts } from '../operation.ts'
import type { PlacementFindings } from '../placement-types.ts'
import { conflictPorts } from './conflict-ports.ts'

/** A plan that was executed, with what can be found out about its conflicts. */
export interface ExecutedAttempt extends PlanAttempt {
  /** where the audit log is */
  readonly record: string
  readonly conflicts: ConflictPorts
}

/**
 * Executes a plan once.
 * @param mayBeStale checks everything that the plan expects before anything is changed
 */
export async function executeAttempt(
  plan: Plan,
  findings: PlacementFindings | undefined,
  mayBeStale: boolean,
  { flags, context, call, stop, terminal }: ChangePorts,
): Promise<ExecutedAttempt> {
  const { execute } = await import('../../../execute/execute.ts')
  const ports = await context.executePorts(
    {
      auditFile: flags['audit-file'],
      isAttesting: plan.steps.some(({ kind }) => kind === 'attest'),
      ...justificationOf(flags),
    },
    call,
  )
  terminal.expectBytes(bytesToMove(plan))
  const freshness = {
    ...(findings !== undefined && !mayBeStale && { readAt: findings.readAt }),
    ...(findings?.reviewed !== undefined && { reviewed: findings.reviewed }),
  }
  const record = ports.sink.place
  const conflicts = await conflictPorts({ record, plan, findings }, context, call)
  const tagLocks = await context.tagLocks(call)
  const steps = await execute(plan, { ...ports, tagLocks, stop, ...freshness, conflicts }, call)
  return { plan, steps, record, conflicts }
}

/**
 * The bytes of the images that are copied. Within one registry, blobs are mounted and nothing
 * moves.
 */
function bytesToMove({ steps, placements }: Plan): number {
  const copied = new Set(steps.flatMap((step) => (step.kind === 'copy' ? [step.placement] : [])))
  const moving = placements.filter(
    ({ id, from, to }) => copied.has(id) && from.repository.registry !== to.repository.registry,
  )
  return moving.reduce((sum, { size }) => sum + (size ?? 0), 0)
}
