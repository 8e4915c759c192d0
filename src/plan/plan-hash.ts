import { digestOf } from '../oci/digest.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Hash, Plan } from './plan.ts'
import type { PrunePlan } from './prune/prune-plan.ts'

/** The identity of a plan: what `apply` checks, and what records name. */
export function hashOfPlan(plan: Plan | PrunePlan): Hash {
  return digestOf(canonicalJson(plan))
}
