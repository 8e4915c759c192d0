import { digestOf } from '../oci/digest.ts'
import { canonicalJson } from './canonical-json.ts'
import type { Hash, Plan } from './plan.ts'
import type { PrunePlan } from './prune/prune-plan.ts'

/** Returns the identity of a plan, for `apply` and audit records. */
export function hashOfPlan(plan: Plan | PrunePlan): Hash {
  return digestOf(canonicalJson(plan))
}
