import { syncRulesOf } from '../../../config/sync/sync-rules.ts'
import { hashOfPlan, keepSavedHash } from '../../../plan/plan-hash.ts'
import type { Plan } from '../../../plan/plan.ts'
import { deletesOf } from '../../../plan/prune/deleting-plan.ts'
import type { SyncPlan } from '../../../plan/sync/sync-plan.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { DestinationState } from '../../../usecases/sync/sync-state.ts'
import type { ChangePorts, Review } from '../../changes/operation.ts'
import { reviewPlan } from '../../changes/review/review-plan.ts'
import type { ReviewFlags } from '../../changes/review/review-flags.ts'
import type { PruneTypes } from '../../prune/prune-types.ts'
import type { ExclusiveRepository } from '../deletes/exclusive-repository.ts'
import { openContents } from '../state/open-contents.ts'
import { exclusiveOf, readRepository, type RepositoryReads } from '../read-repository.ts'
import { ownerKey, pendingOfPlan } from '../record-states.ts'
import { SyncStates } from '../state/sync-states.ts'
import type { SyncTypes } from '../sync-types.ts'
import { scopeOfPath } from '../sync-scope.ts'
import { checkRules, pathOf } from './check-rules.ts'
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
  context.keepsReserves = true
  const loaded = await context.config()
  checkRules(plan, syncRulesOf(loaded, context.clock.now()), loaded.config)
  const { shown, ...review } = await reviewPlan(plan, decideSyncAgain, { ...flags, partial: true }, ports)
  const locks = await context.tagLocks(call)
  const states = SyncStates.open(context.env, locks?.locks, call)
  const deletes = await reviewDeletes(plan, { states, flags }, ports)
  return {
    ...review,
    warnings: [...review.warnings, ...(deletes?.warnings ?? [])],
    omissions: [...review.omissions, ...(deletes?.omissions ?? [])],
    ...(shown !== undefined && { shown: shownAs(plan, shown) }),
    findings: {
      ...review.findings,
      ...(deletes !== undefined && { deletes: deletes.findings }),
      states,
      pending: pendingOfPlan(plan.placements, await statesOf(plan, states, reading)),
    },
  }
}

/**
 * Decides the deletes again, by the current content of the sources and destinations.
 * @throws if one of them cannot be read.
 */
async function reviewDeletes(
  plan: SyncPlan,
  { states, flags }: { readonly states: SyncStates; readonly flags: ReviewFlags },
  ports: ChangePorts,
): Promise<Review<PruneTypes> | undefined> {
  const deletes = deletesOf(plan)
  if (deletes === undefined) return undefined
  const { context, reading } = ports
  const loaded = await context.config()
  const rules = new Map(syncRulesOf(loaded, context.clock.now()).map((rule) => [rule.name, rule]))
  const reads: RepositoryReads = {
    context,
    stores: await context.stores(),
    inventories: { inventory: (registry) => context.inventory(registry) },
    contents: await openContents([...rules.values()], context, reading),
    states,
    // The review of the deletes reads the protections itself.
    used: () => new Map(),
    flags: { evidence: flags.evidence, full: false, 'overwrite-changed': false },
  }
  const deleting = new Set(
    deletes.repositories.flatMap(({ repository, steps }) =>
      steps.length === 0 ? [] : [formatRepository(repository)],
    ),
  )
  const exclusive: ExclusiveRepository[] = []
  for (const { rule: name, from, to } of plan.drift) {
    const rule = rules.get(name)
    if (rule === undefined || !deleting.has(formatRepository(to))) continue
    const path = pathOf(rule, from, loaded.config)
    if (path === undefined) continue
    const scoped = scopeOfPath(rule, path, loaded.config)
    const { snapshot, decision } = await readRepository(scoped, reads, reading)
    exclusive.push(...exclusiveOf(snapshot, decision, new Set()))
  }
  await reads.contents?.flush()
  const { reviewExtraDeletes } = await import('../deletes/review-extra-deletes.ts')
  const { 'audit-file': auditFile } = ports.flags
  return await reviewExtraDeletes(deletes, exclusive, { auditFile }, context, reading)
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
