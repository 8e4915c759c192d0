import type { Call } from '../../lib/call.ts'
import { toErrorInfo } from '../../lib/errors.ts'
import type { Semaphore } from '../../lib/semaphore.ts'
import { formatAt, formatRepository, sameRepository } from '../../oci/reference.ts'
import type { Placement, Plan, Refusal } from '../../plan/plan.ts'
import type { RepositoryDrift, TagDrift } from '../../plan/sync/drift.ts'
import type { PromoteRequest } from '../../usecases/promote/request.ts'
import type { SyncDecision } from '../../usecases/sync/decision.ts'
import type { SyncSnapshot } from '../../usecases/sync/snapshot.ts'
import type { NewPlan } from '../changes/placement-types.ts'
import { planRuleRequests, type PromotionPlanner, type RuleRequests } from './plan-promotions.ts'
import { exclusiveOf, readRepository, type RepositoryReads } from './read-repository.ts'
import { imagesInSync, promoteRequestsOf, type SyncRequestOptions } from './sync-requests.ts'
import type { ScopedSync } from './sync-scope.ts'
import type { ExclusiveRepository } from './deletes/exclusive-repository.ts'
import type { PendingState, SyncFlags } from './sync-types.ts'

export interface RepositoryPlanner extends PromotionPlanner, RepositoryReads {
  readonly flags: SyncFlags
  /** limits the repositories whose promotions are planned at once */
  readonly turns: Semaphore
  readonly requestOptions: SyncRequestOptions
}

/** The part of a run about one source repository of a rule. Graphs are not kept. */
export interface RepositoryPart {
  readonly planned: NewPlan
  readonly drift: readonly RepositoryDrift[]
  readonly pending: readonly PendingState[]
  readonly exclusive: readonly ExclusiveRepository[]
  /** to decide again about single images; without what was read before */
  readonly again: RuleRequests
  readonly warnings: readonly string[]
}

/**
 * Reads and decides one source repository of a rule.
 * @param id unique in the run
 * @throws if the source cannot be read; the reason of the signal.
 */
export async function planRepository(
  scoped: ScopedSync,
  id: string,
  planner: RepositoryPlanner,
  call: Call,
): Promise<RepositoryPart> {
  const { flags } = planner
  const rule = scoped.rule.name
  const { snapshot, decision, destinations } = await readRepository(scoped, planner, call)
  const requests = promoteRequestsOf(snapshot, decision.images, planner.requestOptions)
  const planned = await planInTurn({ rule, id, requests }, planner, call)
  const verified = flags.verify ? await verifyInSync(snapshot, decision, id, planner, call) : undefined
  const plan = joinRepairs(planned.plan, verified?.plan)
  return {
    planned: {
      ...planned,
      plan: { ...plan, refusals: [...plan.refusals, ...refusalsOf(rule, decision, planner)] },
    },
    drift: withDamaged(decision.drift, verified?.plan),
    pending: destinations.flatMap((target, i): readonly PendingState[] => {
      const after = decision.states[i]
      const isRead = snapshot.destinations[i]?.kind === 'read'
      if (after === undefined || !isRead) return []
      return [{ owner: { rule, repository: target.repository }, before: target.state, after }]
    }),
    exclusive: isWholeRefused(plan, decision)
      ? []
      : exclusiveOf(snapshot, decision, refusedAt(plan, decision)),
    again: { rule, id, requests: requests.map(withoutKnown) },
    warnings: [...decision.warnings, ...(planned.warnings ?? [])],
  }
}

/** A repository that is in sync has nothing to plan, and waits for no turn. */
async function planInTurn(requests: RuleRequests, planner: RepositoryPlanner, call: Call): Promise<NewPlan> {
  if (requests.requests.length === 0) return await planRuleRequests(requests, planner, call)
  const release = await planner.turns.acquire(call.signal)
  try {
    return await planRuleRequests(requests, planner, call)
  } finally {
    release()
  }
}

function withoutKnown({ known: _known, ...request }: PromoteRequest): PromoteRequest {
  return request
}

/** `--verify`: plans the repair of images whose tags are in sync. */
async function verifyInSync(
  snapshot: SyncSnapshot,
  { images }: SyncDecision,
  id: string,
  planner: RepositoryPlanner,
  call: Call,
): Promise<NewPlan> {
  const present = imagesInSync(snapshot, images)
  const requests = promoteRequestsOf(snapshot, present, planner.requestOptions)
  const rule = snapshot.request.rule.name
  return await planInTurn({ rule, id: `${id}.verify`, requests }, planner, call)
}

/** Adds what `--verify` repairs or cannot read. Intact content is no part of the plan. */
function joinRepairs(plan: Plan, verified: Plan | undefined): Plan {
  if (verified === undefined) return plan
  const concerned = new Set([
    ...verified.steps.map(({ placement }) => placement),
    ...verified.refusals.flatMap(({ placement }) => placement ?? []),
  ])
  return {
    ...plan,
    placements: [...plan.placements, ...verified.placements.filter(({ id }) => concerned.has(id))],
    steps: [...plan.steps, ...verified.steps],
    refusals: [...plan.refusals, ...verified.refusals],
  }
}

function withDamaged(
  drift: readonly RepositoryDrift[],
  verified: Plan | undefined,
): readonly RepositoryDrift[] {
  if (verified === undefined) return drift
  const repaired = new Set(verified.steps.map(({ placement }) => placement))
  const damaged = verified.placements.filter(({ id }) => repaired.has(id))
  return drift.map((one) => {
    const here = damaged.filter(({ to }) => sameRepository(to.repository, one.to))
    const known = new Set(one.tags.map(({ tag }) => tag))
    const found = here.flatMap(damagedTags).filter(({ tag }) => !known.has(tag))
    return { ...one, tags: [...one.tags, ...found] }
  })
}

function damagedTags({ tags, root }: Placement): readonly TagDrift[] {
  return tags.map(({ tag }) => ({
    tag,
    state: 'damaged',
    source: root.digest,
    destination: root.digest,
    reason: 'content is missing or damaged',
  }))
}

/** The parts that fail alone: tags that are unread or must not move, and unread destinations. */
function refusalsOf(
  rule: string,
  { unread, images, drift }: SyncDecision,
  { requestOptions: { nameOf } }: RepositoryPlanner,
): readonly Refusal[] {
  return [
    ...unread.map(({ name, error }) => ({ image: nameOf(name), rule, error: toErrorInfo(error) })),
    ...images.flatMap(({ tags: [first = ''], destinations }) =>
      destinations.flatMap(({ target, refusals }) =>
        refusals.map((error) => ({
          // The image may be copied to other destinations under its own name.
          image: formatAt(target.repository, { tag: first }),
          rule,
          error: toErrorInfo(error),
        })),
      ),
    ),
    ...drift.flatMap(({ to, error }) =>
      error === undefined ? [] : [{ image: formatRepository(to), rule, error }],
    ),
  ]
}

/** Whether an image is refused at every destination: then dray deletes nothing. */
function isWholeRefused({ refusals }: Plan, { unread }: SyncDecision): boolean {
  return unread.length > 0 || refusals.some(({ placement }) => placement === undefined)
}

/** The destinations at which an image is refused. */
function refusedAt({ placements, refusals }: Plan, { images }: SyncDecision): ReadonlySet<string> {
  const ids = new Set(refusals.map(({ placement }) => placement))
  return new Set([
    ...placements.flatMap(({ id, to }) => (ids.has(id) ? [formatRepository(to.repository)] : [])),
    ...images.flatMap(({ destinations }) =>
      destinations.flatMap(({ target, refusals: own }) =>
        own.length > 0 ? [formatRepository(target.repository)] : [],
      ),
    ),
  ])
}
