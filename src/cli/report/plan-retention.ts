import type { RetentionPolicy } from '../../config/retention/policy.ts'
import type { Call } from '../../lib/call.ts'
import { sumFreedBytes, sumStoredBytes } from '../../usecases/prune/sizes.ts'
import type { PolicyPlan, RepositorySize, RetentionReport } from '../../usecases/report/report.ts'
import { gatherPruneInputs } from '../prune/prune-inputs.ts'
import { planPrune } from '../prune/prune-run.ts'
import type { Context } from '../wiring/context.ts'

export interface RetentionRequest {
  readonly policies: readonly RetentionPolicy[]
  /** files with images in use */
  readonly inUse: readonly string[]
  readonly cache: boolean
  readonly auditFile: string | undefined
}

/**
 * Plans a prune with each policy, one after another, because they often read the same repositories.
 * Executes none.
 * @throws as `gatherPruneInputs`.
 */
export async function planRetention(
  { policies, ...args }: RetentionRequest,
  context: Context,
  call: Call,
): Promise<RetentionReport> {
  const plans: PolicyPlan[] = []
  for (const { name: policy } of policies) {
    const prune = { patterns: [], policy, exclude: [], shard: undefined, ...args }
    const inputs = await gatherPruneInputs(prune, context, call)
    const sizes: RepositorySize[] = []
    const { plan, warnings } = await planPrune(inputs, context, call, ({ snapshot, reachability }) => {
      const { repository } = snapshot
      const { freed } = sumFreedBytes(snapshot, reachability.garbage)
      sizes.push({ repository, stored: sumStoredBytes(snapshot), freed })
    })
    plans.push({ plan, sizes, warnings })
  }
  return { policies: plans }
}
