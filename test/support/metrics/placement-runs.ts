import type { PlacementMetrics } from '../../../src/cli/ci/placement-metrics.ts'
import { digestOf } from '../../../src/oci/digest.ts'
import { mediaTypes } from '../../../src/oci/media-types.ts'
import type { GateResult } from '../../../src/plan/gates/gate-result.ts'
import { nothingTransferred, type PlacementOutcome, type PlacementStatus } from '../../../src/plan/outcome.ts'
import type { Placement, Plan } from '../../../src/plan/plan.ts'

/** Images at targets in prod, and images that are refused before they have a target. */
export interface MetricRun {
  readonly operation?: Plan['operation']
  readonly images: readonly {
    readonly name: string
    readonly status: PlacementStatus
    readonly moved?: number
    readonly bytes?: number
    readonly gates?: readonly GateResult[]
  }[]
  readonly refused?: readonly string[]
}

/** The metrics of a run of 12.5 seconds. */
export function metricRun({ operation = 'promote', images, refused = [] }: MetricRun): PlacementMetrics {
  const placements = images.map(({ name }, i): Placement => {
    const at = (environment: string) => ({
      environment,
      repository: { registry: 'r.example.com', path: `${environment}/${name}` },
    })
    return {
      id: `p${i}`,
      image: `${name}:1.${i}.0`,
      from: at('staging'),
      to: at('prod'),
      root: { mediaType: mediaTypes.manifest, digest: digestOf(name), size: 100 },
      tags: [],
      evidence: { found: 0, missing: 0 },
    }
  })
  const plan: Plan = {
    schema: 'dray.plan/1',
    operation,
    createdAt: '2026-01-02T03:04:05.000Z',
    tool: '0',
    policy: 'sha256:0',
    placements,
    steps: [],
    refusals: refused.map((image) => ({ image, error: { code: 'refused', message: 'no' } })),
  }
  const outcomes = images.map(({ status, moved = 0, bytes = 0, gates }, i): PlacementOutcome => ({
    placement: `p${i}`,
    status,
    tags: Array.from({ length: moved }, (_, tag) => ({ tag: String(tag), changed: true })),
    transferred: { ...nothingTransferred, bytes },
    evidenceCopied: 0,
    ...(gates !== undefined && { gates }),
    errors: [],
  }))
  const outcome = { placements: outcomes, refusals: plan.refusals, transferred: nothingTransferred }
  return { plan, outcome, durationMs: 12_500 }
}
