import { relativePattern } from '../../config/sync/read-repositories.ts'
import type { SyncRule } from '../../config/sync/sync-rule.ts'
import { syncRulesOf } from '../../config/sync/sync-rules.ts'
import { readingAt } from '../../config/settings/version-reading.ts'
import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError, toErrorInfo } from '../../lib/errors.ts'
import { Semaphore } from '../../lib/semaphore.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PlacementId, Plan, Refusal } from '../../plan/plan.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { parseShard } from '../arguments/shard.ts'
import type { PromoteRequest } from '../../usecases/promote/request.ts'
import type { PlannedChange } from '../changes/operation.ts'
import { findingsOf, type NewPlan } from '../changes/placement-types.ts'
import { hashPolicy, openGuard } from '../changes/planning.ts'
import type { GateFlags } from '../gates/gate-flags.ts'
import { ruleGates } from '../gates/changes/rule-gates.ts'
import { growHeapSlowly, keepHeapSmall } from '../wiring/small-heap.ts'
import type { Context } from '../wiring/context.ts'
import type { ExclusiveRepository } from './deletes/exclusive-repository.ts'
import type { ExtraDeletes } from './deletes/plan-extra-deletes.ts'
import { readUsedDigests } from './deletes/used-digests.ts'
import { joinPlans, planRuleRequests, type RuleRequests } from './plan-promotions.ts'
import { planRepository, type RepositoryPart, type RepositoryPlanner } from './plan-repository.ts'
import { openContents } from './state/open-contents.ts'
import { selectRules } from './select-rules.ts'
import { SyncStates } from './state/sync-states.ts'
import { noTag, resolveSyncScope, type ScopedSync, type SyncScope } from './sync-scope.ts'
import type { SyncFlags, SyncTypes } from './sync-types.ts'

/**
 * Source repositories that are read at once: most of them are in sync, and only wait for answers.
 */
const readsAtOnce = 32
/** Repositories whose promotions are planned at once: each keeps graphs in memory. */
const plansAtOnce = 4

export interface SyncArguments extends SyncFlags, GateFlags {
  /** names of rules; none: all */
  readonly rules: readonly string[]
  readonly to?: string | undefined
  readonly shard?: string | undefined
  /** only the repository at this path below `from`, by the one rule */
  readonly only?: string
  readonly 'dry-run': boolean
  readonly 'audit-file'?: string | undefined
}

/**
 * Reads and decides what `dray sync` does. Of each repository, only its part of the plan stays in
 * memory. A repository that cannot be read is refused, and dray continues with the others.
 * @throws `usage`, `config`, and the reason of the signal.
 */
export async function planSync(
  args: SyncArguments,
  context: Context,
  call: Call,
): Promise<PlannedChange<SyncTypes>> {
  const shard = args.shard === undefined ? undefined : parseShard(args.shard)
  context.keepsReserves = true
  const loaded = await context.config()
  const { config } = loaded
  const now = context.clock.now()
  const rules = selectRules(syncRulesOf(loaded, now), { names: args.rules, to: args.to }, config, loaded.name)
  checkDelete(rules, args)
  const catalog: Parameters<typeof resolveSyncScope>[2]['catalog'] = (...of) => context.repositories(...of)
  const { only } = args
  const repositories = only === undefined ? undefined : [relativePattern(only)]
  const scoped = repositories === undefined ? rules : rules.map((rule) => ({ ...rule, repositories }))
  const scope = await resolveSyncScope(scoped, shard, { config, catalog }, call)
  keepHeapSmall()
  growHeapSlowly()
  const planner = await openPlanner(rules, scope, args, context, call)
  const isAmbiguous = pathsOfSeveralRules(scope)
  const options = ({ rule, path }: ScopedSync): RepositoryPlanner['requestOptions'] => ({
    ...planner.requestOptions,
    nameOf: (image) => (isAmbiguous.has(path) ? `${rule.name}/${image}` : image),
  })
  const read = await inParallel(
    scope.repositories.map((one, i) => ({ one, id: `r${i + 1}` })),
    readsAtOnce,
    call,
    (item, c) => readOrFail(item.one, item.id, { ...planner, requestOptions: options(item.one) }, c),
  )
  await planner.contents?.flush()
  const parts = read.flatMap(({ part }) => part ?? [])
  const unread = read.flatMap(({ failure }) => failure ?? [])
  const planned = joinPlans(
    parts.map((part) => part.planned),
    planner,
  )
  const refusals: readonly Refusal[] = [
    ...scope.failures.map(({ rule, name, error }) => ({ image: name, rule, error: toErrorInfo(error) })),
    ...unread,
    ...(shard === undefined && only === undefined ? emptyRules(rules, scope, parts, unread) : []),
  ]
  const exclusive = parts.flatMap((part) => part.exclusive)
  const deletes = await planDeletes(exclusive, rules, args, context, call)
  const plan: SyncPlan = {
    ...planned.plan,
    operation: 'sync',
    rules: rules.map(({ name, hash }) => ({ name, hash })),
    drift: parts.flatMap((part) => part.drift),
    refusals: [...planned.plan.refusals, ...refusals],
    ...(deletes !== undefined && { deletes: deletes.plan }),
    ...(deletes !== undefined && args.delete && { executesDeletes: true }),
  }
  const again = parts.map((part) => part.again)
  const warnings = [
    ...scope.warnings,
    ...(planner.guard?.warnings ?? []),
    ...parts.flatMap((part) => part.warnings),
    ...(deletes?.warnings ?? []),
  ]
  return {
    plan,
    review: async () => ({
      findings: {
        ...findingsOf(planned),
        ...(deletes !== undefined && { deletes: deletes.findings }),
        states: planner.states,
        pending: parts.flatMap((part) => part.pending),
        planAgain: (images) => planAgain(again, images, planner, call),
        ...(args.verify && {
          planRepair: (done: Plan, placed: ReadonlySet<PlacementId>) =>
            planRepair(done, placed, planner, call),
        }),
      },
      startedAt: planned.readAt,
      warnings: [...new Set(warnings)],
      omissions: [],
    }),
  }
}

/** Plans the deletes of extra tags, if a rule has `delete`. They are always shown. */
async function planDeletes(
  exclusive: readonly ExclusiveRepository[],
  rules: readonly SyncRule[],
  args: SyncArguments,
  context: Context,
  call: Call,
): Promise<ExtraDeletes | undefined> {
  if (rules.every((rule) => rule.delete === undefined)) return undefined
  const { planExtraDeletes } = await import('./deletes/plan-extra-deletes.ts')
  return await planExtraDeletes(exclusive, { auditFile: args['audit-file'], cache: true }, context, call)
}

/** @throws `usage` if `--delete` could not have an effect. */
function checkDelete(rules: readonly SyncRule[], args: SyncArguments): void {
  if (args.delete && rules.every((rule) => rule.delete === undefined))
    throw new DrayError('usage', 'no rule of this run deletes tags', {
      why: 'a rule deletes only if it has `delete: { exclusive: true }`',
      hint: 'Run the command without --delete, or add `delete` to the rule in dray.yaml.',
    })
}

async function openPlanner(
  rules: readonly SyncRule[],
  { repositories }: SyncScope,
  args: SyncArguments,
  context: Context,
  call: Call,
): Promise<RepositoryPlanner> {
  const loaded = await context.config()
  const targets = repositories.flatMap(({ destinations }) => destinations.map((one) => one.repository))
  const partial = true
  const guard = await openGuard(
    { operation: 'sync', targets, partial, rules: ruleGates(rules) },
    args,
    context,
  )
  const policy = await hashPolicy(
    {
      operation: 'sync' as const,
      moveTags: false,
      evidenceConflict: args['evidence-conflict'],
      partial,
    },
    {
      evidence: args.evidence,
      attest: args.attest ?? null,
      rules: rules.map(({ name, hash }) => [name, hash]),
      ...(args['overwrite-changed'] && { overwriteChanged: true }),
      ...guard?.hashed,
    },
    context,
  )
  const locks = await context.tagLocks(call)
  return {
    context,
    stores: await context.stores(),
    inventories: { inventory: (registry) => context.inventory(registry) },
    contents: await openContents(rules, context, call),
    used: await readUsedDigests(targets, context, call),
    states: SyncStates.open(context.env, locks?.locks, call),
    flags: args,
    options: {
      evidence: args.evidence,
      dangling: args['allow-missing-evidence'] ? 'skip' : 'fail',
      ...(args.verify && { readBack: await context.uncachedStores() }),
    },
    policy,
    guard,
    turns: new Semaphore(plansAtOnce),
    requestOptions: { config: loaded.config, attest: args.attest, nameOf: (image) => image },
  }
}

interface ReadRepository {
  readonly part?: RepositoryPart
  readonly failure?: Refusal
}

/** Plans one repository, or returns why its source cannot be read. */
async function readOrFail(
  scoped: ScopedSync,
  id: string,
  planner: RepositoryPlanner,
  call: Call,
): Promise<ReadRepository> {
  try {
    return { part: await planRepository(scoped, id, planner, call) }
  } catch (error) {
    call.signal.throwIfAborted()
    const { rule, source } = scoped
    const image = formatRepository(source.repository)
    return { failure: { image, rule: rule.name, error: toErrorInfo(error) } }
  }
}

/** Paths that several rules have: the names of their images need the name of the rule. */
function pathsOfSeveralRules({ repositories }: SyncScope): ReadonlySet<string> {
  const byPath = Map.groupBy(repositories, ({ path }) => path)
  return new Set([...byPath].flatMap(([path, all]) => (all.length > 1 ? [path] : [])))
}

/** Refuses rules that select no tag at all, although every repository of theirs was read. */
function emptyRules(
  rules: readonly SyncRule[],
  { repositories, failures }: SyncScope,
  parts: readonly RepositoryPart[],
  unread: readonly Refusal[],
): readonly Refusal[] {
  const drift = parts.flatMap((part) => part.drift)
  const failed = new Set(unread.map(({ image }) => image))
  return rules.flatMap((rule) => {
    const sources = repositories.filter((one) => one.rule === rule).map(({ source }) => source.repository)
    const isRead =
      sources.length > 0 &&
      !sources.some((one) => failed.has(formatRepository(one))) &&
      !failures.some((one) => one.rule === rule.name)
    const selected = drift.some((one) => one.rule === rule.name && one.selected > 0)
    if (rule.optional || selected || !isRead) return []
    return [{ image: rule.name, rule: rule.name, error: toErrorInfo(noTag(rule, sources)) }]
  })
}

/** Decides again about images that lost a tag to another run. */
async function planAgain(
  again: readonly RuleRequests[],
  images: ReadonlySet<string>,
  planner: RepositoryPlanner,
  call: Call,
): Promise<NewPlan> {
  const plans = await inParallel(again, plansAtOnce, call, (one, c) =>
    planRuleRequests(one, planner, c, images),
  )
  return joinPlans(plans, planner)
}

/** Plans the repair of placed images, by the rule of each. */
async function planRepair(
  plan: Plan,
  placed: ReadonlySet<PlacementId>,
  planner: RepositoryPlanner,
  call: Call,
): Promise<NewPlan> {
  const { requestsToVerify } = await import('../../usecases/promote/verify.ts')
  const { config } = await planner.context.config()
  const byRule = Map.groupBy(plan.placements, ({ rule = '' }) => rule)
  const all = [...byRule].map(([rule, placements], i): RuleRequests => {
    const requests = requestsToVerify({ ...plan, placements }, placed, ({ repository, environment }) =>
      readingAt(config, repository, environment),
    )
    return { rule, id: `v${i + 1}`, requests: requests.map(followingSource) }
  })
  const plans = await inParallel(all, 1, call, (one, c) => planRuleRequests(one, planner, c))
  return joinPlans(plans, planner)
}

function followingSource(request: PromoteRequest): PromoteRequest {
  return { ...request, to: { ...request.to, followsSource: true } }
}
