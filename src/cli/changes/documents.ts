import { hashOfPlan } from '../../plan/plan-hash.ts'
import type { Executed, Operation, OperationTypes } from './operation.ts'

/** Returns the JSON result of a plan. */
export function planDocument<T extends OperationTypes>(operation: Operation<T>, plan: T['plan']): object {
  return { hash: hashOfPlan(plan), plan, ...operation.planDocument?.(plan) }
}

/**
 * Returns the JSON result of an executed plan.
 * @param plan the plan that the run began with
 */
export function changeDocument<T extends OperationTypes>(
  operation: Operation<T>,
  plan: T['plan'],
  { outcome, auditLog, verified, plan: final = plan, decidedAgain }: Executed<T>,
  durationMs: number,
): object {
  return {
    operation: plan.operation,
    plan: hashOfPlan(plan),
    ...(decidedAgain !== undefined && { decidedAgain }),
    ...operation.outcomeDocument(final, outcome),
    refusals: outcome.refusals,
    durationMs,
    auditLog,
    ...(verified !== undefined && { verified }),
  }
}
