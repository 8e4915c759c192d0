import { Digester } from '../oci/digest.ts'
import { canonicalChunks } from './canonical-json.ts'
import type { Hash, Plan } from './plan.ts'
import type { PrunePlan } from './prune/prune-plan.ts'

/** Of plans that were read from a file: the hash in the file. */
const savedHashes = new WeakMap<Plan | PrunePlan, Hash>()

/** Returns the identity of a plan, for `apply` and audit records. */
export function hashOfPlan(plan: Plan | PrunePlan): Hash {
  const saved = savedHashes.get(plan)
  if (saved !== undefined) return saved
  const digester = new Digester('sha256')
  for (const chunk of canonicalChunks(plan)) digester.update(chunk)
  return digester.digest()
}

/**
 * Keeps the hash of a plan file that was verified. Audit records then name the file, also if names
 * of an earlier version were replaced in its plan.
 */
export function keepSavedHash(plan: Plan | PrunePlan, hash: Hash): void {
  savedHashes.set(plan, hash)
}
