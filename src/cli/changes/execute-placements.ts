import { isChanged, type PlacementOutcome, summarise } from '../../plan/outcome.ts'
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
  plan: Plan,
  findings: PlacementFindings | undefined,
  isConfirmed: boolean,
  ports: ChangePorts,
): Promise<Executed<PlacementTypes>> {
  // The reads before a confirmation are too old after it.
  const attempt = await executeAttempt(plan, findings, isConfirmed, ports)
  const { auditLog, steps } = attempt
  const planAgain = isConfirmed ? undefined : findings?.planAgain
  if (planAgain === undefined || !steps.some(({ result }) => result === 'conflict'))
    return { outcome: summarise(plan, steps), auditLog }
  const { decideAgain } = await import('./conflicts/decide-again.ts')
  return await decideAgain(attempt, planAgain, ports)
}
