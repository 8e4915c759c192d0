import { hasGates } from '../../config/gates/gates-at.ts'
import type { Gathered } from '../../images/graph/unread.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import type { GateFlags } from '../gates/gate-flags.ts'
import type { PlanGuard, PlanGuardOptions } from '../gates/changes/plan-guard.ts'
import type { Context } from '../wiring/context.ts'
import type { PlannedChange } from './operation.ts'
import { findingsOf, type NewPlan, type PlacementFindings, type PlacementTypes } from './placement-types.ts'

/** The flags of a command that writes tags, also those that gates depend on. */
export interface WriteFlags extends GateFlags {
  readonly yes: boolean
  readonly 'dry-run': boolean
  readonly out?: string | undefined
}

/**
 * The access for which the token of a run is requested. A run that may end with its plan only
 * reads.
 */
export function expectedAccess({ yes, 'dry-run': isDryRun, out }: WriteFlags): 'read' | 'write' {
  return yes && !isDryRun && out === undefined ? 'write' : 'read'
}

/**
 * The policy of a plan with its hash, which covers the configuration too.
 * @param more flags that decide and are not part of the policy
 */
export async function hashPolicy<Policy extends object>(
  policy: Policy,
  more: object,
  context: Context,
): Promise<Policy & { readonly tool: string; readonly hash: Hash }> {
  const [{ hashOfConfig }, { canonicalJson }, { config }] = await Promise.all([
    import('../../config/hash.ts'),
    import('../../plan/canonical-json.ts'),
    context.config(),
  ])
  const used = { ...policy, tool: context.version }
  return { ...used, hash: digestOf(canonicalJson({ ...used, ...more, config: hashOfConfig(config) })) }
}

/**
 * Opens the gates and the residency of `dray.yaml` for a run. Undefined, and nothing is loaded, if
 * it has neither and the user passes nothing for gates.
 * @throws what `openPlanGuard` throws
 */
export async function openGuard(
  options: PlanGuardOptions,
  flags: GateFlags,
  context: Context,
): Promise<PlanGuard | undefined> {
  const { config } = await context.config()
  const hasRuleGates = options.rules !== undefined && options.rules.size > 0
  const isGuarded = hasGates(config) || hasRuleGates || config.residency !== undefined
  const given = [...(flags['override-gate'] ?? []), ...(flags['scan-report'] ?? [])]
  if (!isGuarded && given.length === 0) return undefined
  const { openPlanGuard } = await import('../gates/changes/plan-guard.ts')
  return await openPlanGuard(options, flags, context)
}

type GatheredImage =
  | { readonly kind: 'read'; readonly snapshot: { readonly readAt: number } }
  | { readonly kind: 'unread' }

/** Returns when the reading of the first image began, or the present if no image was read. */
export function earliestReading(gathered: readonly GatheredImage[], clock: Pick<Clock, 'now'>): number {
  const times = gathered.flatMap((one) => (one.kind === 'read' ? [one.snapshot.readAt] : []))
  return Math.min(clock.now(), ...times)
}

/**
 * Reads only the requests of some images. The others stay unread, so that every image keeps its
 * place in the plan.
 */
export async function gatherImages<Request extends { readonly image: string }, Snapshot>(
  requests: readonly Request[],
  images: ReadonlySet<string>,
  gather: (requests: readonly Request[]) => Promise<readonly Gathered<Request, Snapshot>[]>,
): Promise<readonly Gathered<Request, Snapshot>[]> {
  const read = await gather(requests.filter(({ image }) => images.has(image)))
  const next = read.values()
  return requests.map((request) => {
    const one = images.has(request.image) ? next.next().value : undefined
    return one ?? { kind: 'unread', unread: { request, error: notRead(request) } }
  })
}

function notRead({ image }: { readonly image: string }): DrayError {
  return new DrayError('internal', `${image} was not read again`)
}

/** A plan that this run has decided. */
export function newChange(
  planned: NewPlan,
  findings: Pick<PlacementFindings, 'planAgain' | 'planRepair'>,
): PlannedChange<PlacementTypes> {
  const { plan, readAt, warnings = [] } = planned
  return {
    plan,
    review: async () => ({
      findings: { ...findings, ...findingsOf(planned) },
      startedAt: readAt,
      warnings,
      omissions: [],
    }),
  }
}
