import { Digester } from '../oci/digest.ts'
import { canonicalChunks } from './canonical-json.ts'
import type { Hash, Plan } from './plan.ts'
import type { PrunePlan } from './prune/prune-plan.ts'

/** Returns the identity of a plan, for `apply` and audit records. */
export function hashOfPlan(plan: Plan | PrunePlan): Hash {
  const digester = new Digester('sha256')
  for (const chunk of canonicalChunks(plan)) digester.update(chunk)
  return digester.digest()
}
