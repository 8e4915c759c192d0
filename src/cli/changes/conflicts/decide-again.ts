import { toErrorInfo } from '../../../lib/errors.ts'
import { formatAt } from '../../../oci/reference.ts'
import {
  type PlanAttempt,
  changedImages,
  explainForbidden,
  imagesToDecideAgain,
  mayMoveAgain,
  type MoveDirection,
  type MovedUnderway,
  movedUnderway,
  planOfImages,
} from '../../../plan/attempts/decide-again.ts'
import { mergeAttempts, withoutDoneContent } from '../../../plan/attempts/merge-attempts.ts'
import { formatTagMover } from '../../../plan/attempts/tag-mover.ts'
import { writtenTag } from '../../../plan/attempts/written-tag.ts'
import { summarise } from '../../../plan/outcome.ts'
import { hashOfPlan } from '../../../plan/plan-hash.ts'
import type { Hash } from '../../../plan/plan.ts'
import { type ExecutedAttempt, executeAttempt } from './execute-attempt.ts'
import type { ChangePorts, Executed } from '../operation.ts'
import { findingsOf, type NewPlan, type PlacementFindings, type PlacementTypes } from '../placement-types.ts'

/**
 * How often a run decides again. Of the runs that move one tag at the same time one wins each time,
 * so this is enough for 24 runs even if each loses to all of the others.
 */
const maxDecisions = 24
/** The longest wait before the first of these decisions, milliseconds; it doubles each time. */
const baseWaitMs = 100
const maxWaitMs = 3_000

/**
 * The time that a run waits before it decides again, in milliseconds: a random part of a limit that
 * grows with each decision.
 */
export function waitBeforeDecision(decision: number, random: () => number): number {
  return random() * Math.min(maxWaitMs, baseWaitMs * 2 ** (decision - 1))
}

/**
 * Decides again about the images whose tags another run has moved, and executes that, until no tag
 * is in conflict that this run may still move. Each decision reads the registries again.
 * @param first the plan that the run began with
 * @throws what the execution throws
 */
export async function decideAgain(
  first: ExecutedAttempt,
  planAgain: NonNullable<PlacementFindings['planAgain']>,
  ports: ChangePorts,
): Promise<Executed<PlacementTypes>> {
  let attempt: PlanAttempt = first
  const plans: Hash[] = []
  for (let decision = 1; decision <= maxDecisions; decision++) {
    const images = imagesToDecideAgain(attempt)
    if (images.size === 0 || !(await isWaitOver(decision, ports))) break
    reportConflicts(attempt, images, ports)
    const again = await planAllowed(attempt, images, first, planAgain, ports)
    if (again === undefined) break
    const { plan } = again
    // Others are writing to the same tags: a reading of some seconds ago is not relied on.
    const { steps } = await executeAttempt(plan, findingsOf(again), true, ports)
    plans.push(hashOfPlan(plan))
    attempt = mergeAttempts(attempt, { plan, steps })
  }
  const { plan, steps } = attempt
  return {
    outcome: summarise(plan, steps),
    auditLog: first.auditLog,
    run: first.run,
    ...(plans.length > 0 && { plan, decidedAgain: plans }),
  }
}

/**
 * Waits a random time, so that runs that lost at the same time do not collide again. Returns false
 * if the run is stopped meanwhile.
 */
async function isWaitOver(decision: number, { context, call, stop, random }: ChangePorts): Promise<boolean> {
  const signal = AbortSignal.any([call.signal, stop])
  return await context.clock.sleep(waitBeforeDecision(decision, random), signal).then(
    () => true,
    () => false,
  )
}

/** Reports who moved each tag about which dray decides again. */
function reportConflicts(
  { plan, steps }: PlanAttempt,
  images: ReadonlySet<string>,
  { terminal }: ChangePorts,
): void {
  const byId = new Map(planOfImages(plan, images).steps.map((step) => [step.id, step]))
  for (const { step: id, result, movedBy } of steps) {
    const step = byId.get(id)
    const tag = step && writtenTag(step)
    if (result !== 'conflict' || tag === undefined) continue
    const name = formatAt(tag.repository, { tag: tag.tag })
    const mover = movedBy === undefined ? '' : ` ${formatTagMover(movedBy)}`
    terminal.warn(`${name} was changed since the plan was made. dray plans again.${mover}`)
  }
}

/**
 * Plans the images again and returns the part of the plan that may be executed; undefined if there
 * is none. An image that cannot be read again keeps its conflict.
 */
async function planAllowed(
  attempt: PlanAttempt,
  images: ReadonlySet<string>,
  { conflicts }: ExecutedAttempt,
  planAgain: NonNullable<PlacementFindings['planAgain']>,
  ports: ChangePorts,
): Promise<NewPlan | undefined> {
  const { terminal } = ports
  try {
    const planned = await planAgain(images)
    const plan = planOfImages(planned.plan, images)
    const unread = plan.refusals.filter(({ error }) => error.code !== 'refused')
    for (const { error } of unread) terminal.warn(`cannot plan again: ${error.message}`)
    const changed = changedImages(attempt, plan)
    for (const image of changed)
      terminal.warn(`the conflict of ${image} remains: its source changed to another image`)
    const moved = movedUnderway(attempt, plan).filter(({ image }) => !changed.has(image))
    const forbidden = await Promise.all(
      moved.map(async (tag) => {
        const why = await findObjection(tag, conflicts, ports)
        if (why === undefined) return []
        terminal.warn(`dray does not move ${formatAt(tag.repository, tag)} again: ${why}`)
        return [tag.image]
      }),
    )
    const omitted = new Set([...unread.map(({ image }) => image), ...changed, ...forbidden.flat()])
    const allowed = new Set([...images].filter((image) => !omitted.has(image)))
    if (allowed.size === 0) return undefined
    return { ...planned, plan: withoutDoneContent(planOfImages(plan, allowed), attempt) }
  } catch (error) {
    terminal.warn(`cannot plan again: ${toErrorInfo(error).message}`)
    return undefined
  }
}

/** Returns why the run may not move a tag that others moved; undefined if it may. */
async function findObjection(
  moved: MovedUnderway,
  conflicts: ExecutedAttempt['conflicts'],
  { context, reading }: ChangePorts,
): Promise<string | undefined> {
  const { findTagMover } = await import('../../../execute/records/explain-conflict.ts')
  const { repository, tag, to: digest } = moved
  const mover = await findTagMover({ repository, tag, digest }, conflicts)
  let direction: MoveDirection = 'unknown'
  if (mover === null && moved.rule !== undefined) {
    const { readMoveDirection } = await import('../../../usecases/placing/move-direction.ts')
    direction = await readMoveDirection(moved, (await context.stores()).target(repository), reading)
  }
  return mayMoveAgain(moved, mover, direction) ? undefined : explainForbidden(moved, mover, direction)
}
