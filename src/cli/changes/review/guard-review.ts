import { hasGates } from '../../../config/gates/gates-at.ts'
import type { LoadedConfig } from '../../../config/parse.ts'
import { type DrayError, type ErrorInfo, toErrorInfo } from '../../../lib/errors.ts'
import type { Placement, PlacementId, Plan, Refusal } from '../../../plan/plan.ts'
import type { Current, Reviewable } from '../../../plan/review.ts'
import type { GateSources } from '../../gates/changes/gate-run.ts'
import type { GateReview } from '../../gates/changes/review-gates.ts'
import type { ChangePorts } from '../operation.ts'
import type { PlacementFindings } from '../placement-types.ts'
import type { ReviewFlags } from './review-flags.ts'

/** The images of a saved plan, each at its targets, with the current decisions. */
interface GuardedReview {
  readonly plan: Plan
  readonly images: readonly (readonly Reviewable[])[]
  /** what was read of the images at their sources, by placement of the saved plan */
  readonly sources: () => Promise<GateSources>
  readonly flags: ReviewFlags
}

/** The same images, with what the gates and the residency of now say about them. */
interface GuardedImages {
  readonly images: readonly (readonly Reviewable[])[]
  readonly findings: Pick<PlacementFindings, 'gates' | 'judgeAgain'>
  /** the plan with the results of now, and with the refusals that follow */
  readonly shown?: Plan
  readonly warnings: readonly string[]
}

/**
 * Applies the gates and the residency of today's `dray.yaml` to a saved plan. Only an image to
 * which the plan would write something now costs a request. Without gates and residency, now and in
 * the plan, nothing is loaded.
 */
export async function guardReview(review: GuardedReview, ports: ChangePorts): Promise<GuardedImages> {
  const { plan, images, flags } = review
  const { context, reading: call } = ports
  const loaded = await context.config()
  const { config } = loaded
  const hasRuleGates = await anyRuleGates(plan, loaded)
  const isGated = hasGates(config) || hasRuleGates || plan.placements.some(({ gates }) => gates !== undefined)
  if (!isGated && config.residency === undefined) return { images, findings: {}, warnings: [] }
  const changed = images.flat().filter(({ current }) => isDecided(current))
  const resident = await refusalsByResidency(plan, changed, ports)
  const allowed = images.map((image) =>
    image.map(({ saved, current }) => ({
      saved,
      current: { ...current, refusals: [...current.refusals, ...(resident.get(saved.id) ?? [])] },
    })),
  )
  if (!isGated) return { images: allowed, findings: {}, warnings: [] }
  const { reviewGates } = await import('../../gates/changes/review-gates.ts')
  const { reason, ticket, actor } = ports.flags
  const { gates, obstacles, warnings, judgeAgain } = await reviewGates(
    plan,
    allowed.flat().flatMap(({ saved, current }) => (isWritten(current) ? [saved] : [])),
    {
      sources: await review.sources(),
      flags: { reason, ticket, actor, 'scan-report': flags['scan-report'] },
    },
    context,
    call,
  )
  return {
    images: allowed.map((image) => image.map((one) => withObstacle(one, obstacles.get(one.saved.id)))),
    findings: { gates, judgeAgain },
    shown: await planToShow(plan, { gates, obstacles }, flags),
    warnings,
  }
}

/** Whether a sync rule of the plan has gates now. */
async function anyRuleGates(plan: Plan, loaded: LoadedConfig): Promise<boolean> {
  if (plan.operation !== 'sync') return false
  const { ruleGatesOf } = await import('../../gates/changes/rule-gates.ts')
  return (await ruleGatesOf(plan, loaded)).size > 0
}

/** Whether the rules of now write image content or a tag at the target. */
function isWritten(current: Current): boolean {
  return isDecided(current) && current.steps.some(({ kind }) => kind === 'copy' || kind === 'tag')
}

/** Whether it was read, and no rule refuses it. */
function isDecided({ refusals, unread }: Current): boolean {
  return unread === undefined && refusals.length === 0
}

async function refusalsByResidency(
  plan: Plan,
  changed: readonly Reviewable[],
  { context, reading }: ChangePorts,
): Promise<ReadonlyMap<PlacementId, readonly ErrorInfo[]>> {
  const { refuseByResidency } = await import('../../gates/residency.ts')
  const now = {
    ...plan,
    placements: changed.map(({ saved }): Placement => saved),
    // The ids of the current steps are those of another plan.
    steps: changed.flatMap(({ saved, current }) =>
      current.steps.map((step) => ({ ...step, placement: saved.id })),
    ),
  }
  const refusals = await refuseByResidency(now, context, reading)
  const byPlacement = Map.groupBy(refusals, ({ placement }) => placement ?? '')
  return new Map([...byPlacement].map(([id, all]) => [id, all.map(({ error }) => error)]))
}

/** The plan as it would be executed now. It keeps the hash of its file. */
async function planToShow(
  plan: Plan,
  { gates, obstacles }: Pick<GateReview, 'gates' | 'obstacles'>,
  options: { readonly partial: boolean },
): Promise<Plan> {
  const [{ withGates }, { refuseImages }, { hashOfPlan, keepSavedHash }] = await Promise.all([
    import('../../../plan/gates/apply-gate-results.ts'),
    import('../../../plan/gates/refuse-images.ts'),
    import('../../../plan/plan-hash.ts'),
  ])
  const placements = plan.placements.map((placement) => withGates(placement, gates.get(placement.id)))
  const refusals = plan.placements.flatMap(({ id, image }): readonly Refusal[] => {
    const error = obstacles.get(id)
    return error === undefined ? [] : [{ image, placement: id, error: toErrorInfo(error) }]
  })
  const shown = refuseImages({ ...plan, placements }, refusals, options)
  keepSavedHash(shown, hashOfPlan(plan))
  return shown
}

/** An obstacle keeps the placement from being begun. */
function withObstacle({ saved, current }: Reviewable, obstacle: DrayError | undefined): Reviewable {
  return { saved, current: obstacle === undefined ? current : { ...current, unread: obstacle } }
}
