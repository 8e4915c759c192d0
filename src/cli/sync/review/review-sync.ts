import { syncRulesOf } from '../../../config/sync/sync-rules.ts'
import { hashOfPlan, keepSavedHash } from '../../../plan/plan-hash.ts'
import type { Plan } from '../../../plan/plan.ts'
import type { SyncPlan } from '../../../plan/sync/sync-plan.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { DestinationState } from '../../../usecases/sync/sync-state.ts'
import type { ChangePorts, Review } from '../../changes/operation.ts'
import { reviewPlan } from '../../changes/review/review-plan.ts'
import type { ReviewFlags } from '../../changes/review/review-flags.ts'
import { ownerKey, pendingOfPlan } from '../record-states.ts'
import { SyncStates } from '../state/sync-states.ts'
import type { SyncTypes } from '../sync-types.ts'
import { checkRules } from './check-rules.ts'
import { decideSyncAgain } from './decide-sync.ts'

/**
 * Decides a saved plan of a sync again by the rules of today's `dray.yaml`.
 * @throws `refused` if a rule was changed or removed, or copies other images or to other places.
 */
export async function reviewSync(
  plan: SyncPlan,
  flags: ReviewFlags,
  ports: ChangePorts,
): Promise<Review<SyncTypes>> {
  const { context, call, reading } = ports
  const loaded = await context.config()
  checkRules(plan, syncRulesOf(loaded, context.clock.now()), loaded.config)
  const { shown, ...review } = await reviewPlan(plan, decideSyncAgain, { ...flags, partial: true }, ports)
  const locks = await context.tagLocks(call)
  const states = SyncStates.open(context.env, locks?.locks, call)
  return {
    ...review,
    ...(shown !== undefined && { shown: shownAs(plan, shown) }),
    findings: {
      ...review.findings,
      states,
      pending: pendingOfPlan(plan.placements, await statesOf(plan, states, reading)),
    },
  }
}

/** The plan with what the review shows; it keeps the hash of its file. */
function shownAs(plan: SyncPlan, shown: Plan): SyncPlan {
  const now: SyncPlan = { ...plan, ...shown, operation: 'sync' }
  keepSavedHash(now, hashOfPlan(plan))
  return now
}

async function statesOf(
  { placements }: SyncPlan,
  states: SyncStates,
  call: ChangePorts['reading'],
): Promise<ReadonlyMap<string, DestinationState>> {
  const found = new Map<string, DestinationState>()
  for (const { rule = '', to } of placements) {
    const key = ownerKey(rule, formatRepository(to.repository))
    if (!found.has(key)) found.set(key, await states.read({ rule, repository: to.repository }, call))
  }
  return found
}
