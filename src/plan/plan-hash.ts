import { Digester } from '../oci/digest.ts'
import { canonicalChunks } from './canonical-json.ts'
import type { Hash, Plan } from './plan.ts'
import type { PrunePlan } from './prune/prune-plan.ts'

/**
 * A plan does not change, and a run needs its hash several times. For a plan that was read from a
 * file, this is the hash in the file.
 */
const hashes = new WeakMap<Plan | PrunePlan, Hash>()

/** Returns the identity of a plan, for `apply` and audit records. */
export function hashOfPlan(plan: Plan | PrunePlan): Hash {
  const known = hashes.get(plan)
  if (known !== undefined) return known
  const digester = new Digester('sha256')
  for (const chunk of canonicalChunks(plan)) digester.update(chunk)
  const hash = digester.digest()
  hashes.set(plan, hash)
  return hash
}

/**
 * Keeps the hash of a plan file that was verified. Audit records then name the file, also if names
 * of an earlier version were replaced in its plan.
 */
export function keepSavedHash(plan: Plan | PrunePlan, hash: Hash): void {
  hashes.set(plan, hash)
}
