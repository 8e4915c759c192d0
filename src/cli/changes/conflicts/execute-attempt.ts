import type { ConflictPorts } from '../../../execute/records/explain-conflict.ts'
import type { GateChecks, JudgeAgain } from '../../../execute/tags/gate-checks.ts'
import type { PlanAttempt } from '../../../plan/attempts/decide-again.ts'
import type { Plan } from '../../../plan/plan.ts'
import type { Context } from '../../wiring/context.ts'
import { justificationOf } from '../justification.ts'
import type { ChangePorts } from '../operation.ts'
import type { PlacementFindings } from '../placement-types.ts'
import { conflictPorts } from './conflict-ports.ts'

/** A plan that was executed, with what can be found out about its conflicts. */
export interface ExecutedAttempt extends PlanAttempt {
  /** where the audit log is */
  readonly auditLog: string
  /** id of the run in the audit log */
  readonly run: string
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
  terminal.expectBytes(bytesToTransfer(plan))
  const freshness = {
    ...(findings !== undefined && !mayBeStale && { readAt: findings.readAt }),
    ...(findings?.reviewed !== undefined && { reviewed: findings.reviewed }),
    gates: await openGateChecks(plan, findings?.judgeAgain, context),
  }
  const auditLog = ports.sink.path
  const conflicts = await conflictPorts({ auditLog, plan, findings }, context, call)
  const tagLocks = plan.steps.length === 0 ? undefined : await context.tagLocks(call)
  const steps = await execute(plan, { ...ports, tagLocks, stop, ...freshness, conflicts }, call)
  return { plan, steps, auditLog, run: ports.runId, conflicts }
}

/** A run without gates does not load this part. */
async function openGateChecks(
  { placements }: Plan,
  judgeAgain: JudgeAgain | undefined,
  { clock }: Context,
): Promise<GateChecks | undefined> {
  if (judgeAgain === undefined) return undefined
  const { GateChecks: Opened } = await import('../../../execute/tags/gate-checks.ts')
  return new Opened(placements, judgeAgain, clock)
}

/**
 * The bytes of the images that are copied. Within one registry, blobs are mounted and not
 * transferred.
 */
function bytesToTransfer({ steps, placements }: Plan): number {
  const copied = new Set(steps.flatMap((step) => (step.kind === 'copy' ? [step.placement] : [])))
  const transferred = placements.filter(
    ({ id, from, to }) => copied.has(id) && from.repository.registry !== to.repository.registry,
  )
  return transferred.reduce((sum, { size }) => sum + (size ?? 0), 0)
}
