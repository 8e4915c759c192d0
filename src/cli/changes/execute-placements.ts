import { isChanged, type PlacementOutcome, summarise } from '../../plan/outcome.ts'
import { hashOfPlan, keepSavedHash } from '../../plan/plan-hash.ts'
import type { Plan } from '../../plan/plan.ts'
import { executeAttempt } from './conflicts/execute-attempt.ts'
import type { ChangePorts, Executed } from './operation.ts'
import type { PlacementFindings, PlacementTypes } from './placement-types.ts'

/** Whether an image is at its target. */
export function isPlaced(outcome: PlacementOutcome): boolean {
  return isChanged(outcome) || outcome.status === 'unchanged'
}

/**
 * Executes a plan. If it loses tags to other runs, and this run has made the plan and no person has
 * confirmed it, the run decides again about these images.
 */
export async function executePlacements(
  given: Plan,
  findings: PlacementFindings | undefined,
  isConfirmed: boolean,
  ports: ChangePorts,
): Promise<Executed<PlacementTypes>> {
  const plan = await withCurrentGates(given, findings)
  // The reads before a confirmation are too old after it.
  const attempt = await executeAttempt(plan, findings, isConfirmed, ports)
  const { auditLog, run, steps } = attempt
  const planAgain = isConfirmed ? undefined : findings?.planAgain
  if (planAgain === undefined || !steps.some(({ result }) => result === 'conflict'))
    return { outcome: summarise(plan, steps), auditLog, run, ...(plan !== given && { plan }) }
  const { decideAgain } = await import('./conflicts/decide-again.ts')
  return await decideAgain(attempt, planAgain, ports)
}

/**
 * The plan with today's results of gates in place of those that its file shows. It keeps the hash
 * of the file, by which audit records and attestations name it.
 */
async function withCurrentGates(plan: Plan, findings: PlacementFindings | undefined): Promise<Plan> {
  const current = findings?.gates
  if (current === undefined) return plan
  const { withGates } = await import('../../plan/gates/apply-gate-results.ts')
  const placements = plan.placements.map((placement) => withGates(placement, current.get(placement.id)))
  const now = { ...plan, placements }
  keepSavedHash(now, hashOfPlan(plan))
  return now
}
