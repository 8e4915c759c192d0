import type { Repositories } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import type { JudgeAgain } from '../../execute/tags/gate-checks.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Placement, Plan, Refusal } from '../../plan/plan.ts'
import { warnAboutTargets } from '../../usecases/placing/tag-warnings.ts'
import { decide, type PromotePolicy } from '../../usecases/promote/decide.ts'
import { gateSources } from '../../usecases/promote/gate-sources.ts'
import { gather, type PromoteGatherOptions, warnedImage } from '../../usecases/promote/gather.ts'
import type { PromoteRequest } from '../../usecases/promote/request.ts'
import type { PlanGuard } from '../gates/changes/plan-guard.ts'
import { earliestReading, gatherImages } from '../changes/planning.ts'
import type { NewPlan } from '../changes/placement-types.ts'
import type { Context } from '../wiring/context.ts'
import { prefixKeys, prefixPlan } from './prefix-plan.ts'

/** Images whose graphs are in memory together. */
const imagesTogether = 64

export interface PromotionPlanner {
  readonly context: Context
  readonly stores: Repositories
  readonly options: Omit<PromoteGatherOptions, 'clock'>
  readonly policy: PromotePolicy
  readonly guard: PlanGuard | undefined
}

/** The promotions of one source repository by one rule. */
export interface RuleRequests {
  readonly rule: string
  /** unique in the run, for the ids of the plan */
  readonly id: string
  readonly requests: readonly PromoteRequest[]
}

/**
 * Reads and decides the promotions of one repository, a part of them at a time, so that few graphs
 * are in memory.
 * @param images only these; the others stay unread and keep their places in the plan
 */
export async function planRuleRequests(
  { rule, id, requests }: RuleRequests,
  planner: PromotionPlanner,
  call: Call,
  images?: ReadonlySet<string>,
): Promise<NewPlan> {
  const parts: NewPlan[] = []
  for (const [i, part] of partsOf(requests).entries()) {
    call.signal.throwIfAborted()
    parts.push(await planPart({ rule, id: `${id}.${i + 1}`, requests: part }, planner, call, images))
  }
  return joinPlans(parts, planner)
}

/** Floating tags are decided for all images together. */
function partsOf(requests: readonly PromoteRequest[]): readonly (readonly PromoteRequest[])[] {
  if (requests.some(({ tagMaintenance }) => tagMaintenance !== undefined)) return [requests]
  const count = Math.ceil(requests.length / imagesTogether)
  return Array.from({ length: count }, (_, i) => requests.slice(i * imagesTogether, (i + 1) * imagesTogether))
}

async function planPart(
  { rule, id, requests }: RuleRequests,
  { context, stores, options, policy, guard }: PromotionPlanner,
  call: Call,
  images: ReadonlySet<string> | undefined,
): Promise<NewPlan> {
  const prefix = `${id}.`
  const withClock = { ...options, clock: context.clock }
  const read = (some: typeof requests): ReturnType<typeof gather> => gather(some, stores, withClock, call)
  const gathered = await (images === undefined ? read(requests) : gatherImages(requests, images, read))
  const readAt = earliestReading(gathered, context.clock)
  const decided = decide(gathered, policy, new Date(context.clock.now()))
  const plan = ofRule(prefixPlan(decided, prefix), rule)
  const warnings = warnAboutTargets(
    gathered.flatMap((one) => (one.kind === 'read' ? [warnedImage(one.snapshot)] : [])),
  )
  if (guard === undefined) return { plan, readAt, warnings }
  const sources = gateSources(gathered, { ...options, evidenceConflict: policy.evidenceConflict })
  return { ...(await guard.apply(plan, prefixKeys(sources, prefix), call)), readAt, warnings }
}

function ofRule(plan: Plan, rule: string): Plan {
  return {
    ...plan,
    placements: plan.placements.map((one): Placement => ({ ...one, rule })),
    refusals: plan.refusals.map((one): Refusal => ({ ...one, rule })),
  }
}

/** Puts plans with different ids together. */
export function joinPlans(
  plans: readonly NewPlan[],
  { context, policy, guard }: Pick<PromotionPlanner, 'context' | 'policy' | 'guard'>,
): NewPlan {
  const now = context.clock.now()
  return {
    plan: {
      schema: 'dray.plan/1',
      operation: 'sync',
      createdAt: new Date(now).toISOString(),
      tool: policy.tool,
      policy: policy.hash,
      placements: plans.flatMap(({ plan }) => plan.placements),
      steps: plans.flatMap(({ plan }) => plan.steps),
      refusals: plans.flatMap(({ plan }) => plan.refusals),
    },
    readAt: Math.min(now, ...plans.map(({ readAt }) => readAt)),
    warnings: [...new Set(plans.flatMap(({ warnings = [] }) => warnings))],
    ...(guard !== undefined && { judgeAgain: judgeByPlan(plans) }),
  }
}

/** Judges each placement as its own plan does. */
function judgeByPlan(plans: readonly NewPlan[]): JudgeAgain {
  const judges = new Map(
    plans.flatMap(({ plan, judgeAgain }) => plan.placements.map(({ id }) => [id, judgeAgain] as const)),
  )
  return async (placement, call) => {
    const judge = judges.get(placement.id)
    if (judge === undefined) throw new DrayError('internal', `${placement.id} has no gates to evaluate again`)
    return await judge(placement, call)
  }
}
