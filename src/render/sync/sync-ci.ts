import { formatRepository } from '../../oci/reference.ts'
import type { Hash } from '../../plan/plan.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import type { SyncOutcome } from '../../plan/sync/sync-outcome.ts'
import { runSummary, runVariables, type CiVariables } from '../ci.ts'
import { gateAnnotations, gatedImages } from '../gates/gate-ci.ts'
import { listPruneVariables, renderPruneSummary } from '../prune/prune-ci.ts'
import { formatBytes } from '../text/format.ts'
import { formatRow } from '../text/markdown.ts'
import { driftCounter } from './drift-rows.ts'

interface SyncReport {
  readonly variables: CiVariables
  readonly summary: string
  readonly annotations: readonly string[]
}

/** The values and the page of a sync for a CI job: its differences, images and deletes. */
export function syncReport(plan: SyncPlan, outcome: SyncOutcome | undefined, hash: Hash): SyncReport {
  const { digest: _many, ...variables } = runVariables(plan, hash, outcome)
  const { deletes } = plan
  const isDeleting = deletes !== undefined && plan.executesDeletes === true
  return {
    variables: {
      ...variables,
      drift: String(plan.drift.some(({ tags }) => tags.some(({ state }) => state !== 'kept'))),
      ...(isDeleting && { deleted: listPruneVariables(deletes, hash, outcome?.deletes)['deleted'] ?? '0' }),
    },
    summary: [
      runSummary(plan, outcome),
      driftTable(plan),
      ...(isDeleting ? [renderPruneSummary(deletes, outcome?.deletes)] : []),
    ].join(''),
    annotations: gateAnnotations(gatedImages(plan, outcome)),
  }
}

function driftTable(plan: SyncPlan): string {
  const count = driftCounter(plan)
  const rows = plan.drift.map((one) => {
    const { selected, missing, moved, changed, extra, bytes } = count(one)
    const counts = [selected, missing, moved, changed, extra].map(String)
    const cells = one.error === undefined ? counts : counts.map(() => '?')
    return formatRow([formatRepository(one.from), formatRepository(one.to), ...cells, formatBytes(bytes)])
  })
  if (rows.length === 0) return ''
  return `| From | To | Selected | Missing | Moved | Changed | Extra | To copy |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n${rows.join('')}\n`
}
