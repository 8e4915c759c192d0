import type { Evidence } from '../../images/evidence/evidence.ts'
import type { Graph } from '../../images/graph/graph.ts'
import type { Digest } from '../../oci/digest.ts'
import { sameRepository } from '../../oci/reference.ts'
import type { PlacementId } from '../../plan/plan.ts'
import { formatPlacementId } from '../placing/plan-images.ts'
import { decideEvidence, type EvidenceConflict } from './decide-evidence.ts'
import type { GatheredPromotion } from './gather.ts'
import type { PromoteSnapshot, PromoteTarget } from './snapshot.ts'

/** The reading of an image for a promotion, and the part of it that will be at one target. */
export interface GateSource {
  /** absent if the attached artifacts were not all read */
  readonly read?: { readonly graph: Graph; readonly evidence: readonly Evidence[] }
  /** manifests of the image and of attached artifacts; undefined: all of them */
  readonly arriving: ReadonlySet<Digest> | undefined
}

export interface GateSourceOptions {
  /** `--no-evidence`: no attached artifact is read or copied */
  readonly evidence: boolean
  readonly dangling: 'fail' | 'skip'
  readonly evidenceConflict: EvidenceConflict
}

/**
 * Returns for each placement of the plan what its gates can use of the readings for the plan: pure.
 * Gates do not read it again.
 */
export function gateSources(
  gathered: readonly GatheredPromotion[],
  options: GateSourceOptions,
): ReadonlyMap<PlacementId, GateSource> {
  return new Map(
    gathered.flatMap((one, i) =>
      one.kind === 'unread'
        ? []
        : one.snapshot.targets.flatMap((target, t) =>
            target.kind === 'unread'
              ? []
              : [[formatPlacementId(`i${i + 1}`, t), sourceAt(one.snapshot, target, options)] as const],
          ),
    ),
  )
}

function sourceAt(
  { request, source }: PromoteSnapshot,
  target: PromoteTarget,
  { evidence: copies, dangling, evidenceConflict }: GateSourceOptions,
): GateSource {
  const { graph, evidence } = source
  // Artifacts that were skipped, because their manifest is missing, must not count as absent.
  const isWhole = copies && dangling === 'fail'
  const read = isWhole ? { read: { graph, evidence } } : {}
  if (sameRepository(request.from.repository, target.repository)) return { ...read, arriving: undefined }
  // With `keep`, the artifacts of the target stay in place of those that the gates have verified.
  const onConflict = evidenceConflict === 'keep' ? 'refuse' : evidenceConflict
  const carried = evidence.filter((one) => decideEvidence(one, target, onConflict).kind !== 'conflict')
  return {
    ...read,
    arriving: new Set([
      ...graph.nodes.map(({ descriptor }) => descriptor.digest),
      ...carried.map(({ manifest }) => manifest.digest),
    ]),
  }
}
