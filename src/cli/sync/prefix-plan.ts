import type { Plan } from '../../plan/plan.ts'

/**
 * Returns the plan with `prefix` before the id of each placement and step, so that plans of several
 * repositories can be one. Pure.
 */
export function prefixPlan(plan: Plan, prefix: string): Plan {
  const id = (text: string): string => `${prefix}${text}`
  return {
    ...plan,
    placements: plan.placements.map((one) => ({ ...one, id: id(one.id) })),
    steps: plan.steps.map((step) => ({
      ...step,
      id: id(step.id),
      placement: id(step.placement),
      after: step.after.map(id),
    })),
    refusals: plan.refusals.map((refusal) => ({
      ...refusal,
      ...(refusal.placement !== undefined && { placement: id(refusal.placement) }),
    })),
  }
}

/** Returns the keys of a map with `prefix` before each. */
export function prefixKeys<V>(map: ReadonlyMap<string, V>, prefix: string): ReadonlyMap<string, V> {
  return new Map([...map].map(([key, value]) => [`${prefix}${key}`, value]))
}
