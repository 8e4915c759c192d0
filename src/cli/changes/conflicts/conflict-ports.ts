import { RegistryNames } from '../../../config/registry-names.ts'
import type { ConflictPorts } from '../../../execute/records/explain-conflict.ts'
import type { Call } from '../../../lib/call.ts'
import type { Plan } from '../../../plan/plan.ts'
import type { Context } from '../../wiring/context.ts'
import type { PlacementFindings } from '../placement-types.ts'

/**
 * By how many milliseconds a record may be older than the reading of a run and still explain a
 * conflict of that run: machines that share an audit log have different clocks.
 */
const clockMarginMs = 60_000

interface ExplainedPlan {
  /** where the audit log is */
  readonly auditLog: string
  readonly plan: Plan
  readonly findings: PlacementFindings | undefined
}

/** Finds the audit records that explain the conflicts of a plan. */
export async function conflictPorts(
  { auditLog, plan, findings }: ExplainedPlan,
  context: Context,
  { signal }: Call,
): Promise<ConflictPorts> {
  const names = new RegistryNames((await context.config()).config.registries)
  const since = Math.min(Date.parse(plan.createdAt), findings?.readAt ?? Infinity) - clockMarginMs
  const isSaved = findings?.reviewed !== undefined
  return {
    findRecord: async (isMatch) => {
      // a run without a conflict does not load this part
      const { findNewestRecord } = await import('../../../audit/moves/find-newest-record.ts')
      return await findNewestRecord(auditLog, isMatch, { since, signal })
    },
    identity: (repository) => names.identity(repository),
    hint: `Nothing was overwritten. ${isSaved ? 'Make a new plan.' : 'Run the command again.'}`,
  }
}
