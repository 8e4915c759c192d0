import type { DeletingOutcome, DeletingPlan } from '../../plan/prune/deleting-plan.ts'
import type { Hash } from '../../plan/plan.ts'
import { type CiVariables, runSummary, runVariables } from '../ci.ts'
import { gateAnnotations, gatedImages } from '../gates/gate-ci.ts'
import { listPruneVariables, renderPruneSummary } from '../prune/prune-ci.ts'

interface BundleReport {
  readonly variables: CiVariables
  readonly summary: string
  readonly annotations: readonly string[]
}

/** The values and the page of an applied bundle for a CI job: its images and deletes. */
export function bundleReport(
  plan: DeletingPlan,
  outcome: DeletingOutcome | undefined,
  hash: Hash,
): BundleReport {
  const { deletes } = plan
  const isDeleting = deletes !== undefined && plan.executesDeletes === true
  return {
    variables: {
      ...runVariables(plan, hash, outcome),
      ...(isDeleting && { deleted: listPruneVariables(deletes, hash, outcome?.deletes)['deleted'] ?? '0' }),
    },
    summary: [
      runSummary(plan, outcome),
      ...(isDeleting ? [renderPruneSummary(deletes, outcome?.deletes)] : []),
    ].join(''),
    annotations: gateAnnotations(gatedImages(plan, outcome)),
  }
}
