import type { Gathered } from '../../images/graph/unread.ts'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Hash, Plan } from '../../plan/plan.ts'
import type { Context } from '../wiring/context.ts'
import type { PlannedChange } from './operation.ts'
import type { PlacementFindings, PlacementTypes } from './placement-types.ts'

export interface WriteFlags {
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
  plan: Plan,
  findings: Omit<PlacementFindings, 'readAt'>,
  readAt: number,
  warnings: readonly string[] = [],
): PlannedChange<PlacementTypes> {
  return {
    plan,
    review: async () => ({
      findings: { ...findings, readAt },
      startedAt: readAt,
      warnings,
      omissions: [],
    }),
  }
}
