import type { ConflictPorts } from '../../../execute/records/explain-conflict.ts'
import type { PlanAttempt } from '../../../plan/attempts/decide-again.ts'
import type { Plan } from '../../../plan/plan.ts'
import { justificationOf } from '../justification.ts'
import type { ChangePorts } from '../operation.ts'
import type { PlacementFindings } from '../placement-types.ts'

/**
 * How much older than the reading of a run a record may be that explains what the run found, in
 * milliseconds: machines that share an audit log have different clocks.
 */
const clockMarginMs = 60_000

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
  const since = Math.min(Date.parse(plan.createdAt), findings?.readAt ?? Infinity) - clockMarginMs
  const findRecord: ConflictPorts['findRecord'] = async (isMatch) => {
    const { findNewestRecord } = await import('../../../audit/moves/find-newest-record.ts')
    return await findNewestRecord(record, isMatch, { since, signal: call.signal })
  }
  const isSaved = findings?.reviewed !== undefined
  const hint = `Nothing was overwritten. ${isSaved ? 'Make the plan again.' : 'Run the command again.'}`
  const { RegistryNames } = await import('../../../config/registry-names.ts')
  const names = new RegistryNames((await context.config()).config.registries)
  const identity: ConflictPorts['identity'] = (repository) => names.identity(repository)
  const conflicts = { findRecord, identity, hint }
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
