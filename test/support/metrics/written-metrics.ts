import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeMetrics } from '../../../src/cli/ci/metrics.ts'
import { writePlacementMetrics } from '../../../src/cli/ci/placement-metrics.ts'
import { writeEditMetrics } from '../../../src/cli/gitops/edit-metrics.ts'
import { writeSyncMetrics } from '../../../src/cli/sync/sync-metrics.ts'
import { writeUsageMetrics } from '../../../src/cli/usage/usage-metrics.ts'
import { summarise } from '../../../src/plan/outcome.ts'
import type { PruneOutcome } from '../../../src/plan/prune/prune-outcome.ts'
import type { SyncOutcome } from '../../../src/plan/sync/sync-outcome.ts'
import type { SyncPlan } from '../../../src/plan/sync/sync-plan.ts'
import { parseExposition } from '../exposition.ts'
import { manualClock } from '../manual-clock.ts'
import { pruneOutcome } from '../prune-outcomes.ts'
import { prunePlan, repositoryPlan, tagVerdict, whys } from '../prune-plans.ts'
import { repositoryUsage, usageOf } from '../report/report-values.ts'
import { makeFolder, removeFolder } from '../temp.ts'
import { metricRun } from './placement-runs.ts'

/** The operations whose metrics differ only in the begin of their names. */
export const placementOperations = ['promote', 'copy', 'tag', 'rollback', 'bundle'] as const

/** Every metric that dray writes, with its labels, by running the code that formats them. */
export async function writtenMetrics(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const clock = manualClock(1_700_000_000_000)
  const prune = prunePlan([repositoryPlan('@dev/api', [tagVerdict('n-1', 'delete', whys.rule)])])
  const pruned = pruneOutcome(prune, { '@dev/api': { m1: { result: 'done', by: 'ghcr' } } })
  const all = [
    await written((file) =>
      writeMetrics(file, { plan: prune, outcome: pruned, durationMs: 1, isSuccess: true }, clock),
    ),
    await written((file) => writeSyncMetrics(file, { ...syncRun(pruned), durationMs: 1 }, clock)),
    await written((file) => writeUsageMetrics(file, usage())),
    ...(await Promise.all(
      placementOperations.map((operation) =>
        written((file) =>
          writePlacementMetrics(
            file,
            metricRun({ operation, images: [{ name: 'api', status: 'unchanged' }] }),
            clock,
          ),
        ),
      ),
    )),
    await written((file) => writeEditMetrics(file, { ...editRun(), durationMs: 1, isSuccess: true }, clock)),
    await watchMetrics(),
  ]
  const labels = new Map<string, Set<string>>()
  for (const { name, labels: found } of all.flatMap(parseExposition)) {
    const known = labels.get(name) ?? new Set()
    labels.set(name, known)
    for (const label of Object.keys(found)) known.add(label)
  }
  return labels
}

/** A run of `dray gitops update` that edits nothing. */
function editRun(): Pick<Parameters<typeof writeEditMetrics>[1], 'plan' | 'outcome'> {
  const edits = { environment: 'prod', images: [], steps: [], upToDate: ['clusters/api.yaml'] }
  const plan = {
    schema: 'dray.plan/1' as const,
    operation: 'gitops' as const,
    createdAt: '2026-11-29T00:00:00.000Z',
    tool: '0',
    policy: '',
    placements: [],
    steps: [],
    refusals: [],
    edits,
  }
  return { plan, outcome: { ...summarise(plan, []), edits: { files: [] } } }
}

async function written(write: (file: string) => Promise<void>): Promise<string> {
  const folder = await makeFolder()
  try {
    const file = join(folder, 'dray.prom')
    await write(file)
    return await readFile(file, 'utf8')
  } finally {
    await removeFolder(folder)
  }
}

/** A report with every value that can be unknown. */
function usage(): ReturnType<typeof usageOf> {
  const report = usageOf([
    repositoryUsage('dev/api', {
      notPulled: { images: 1, bytes: 1, kept: { inUse: 0, protection: 0, hold: 0 }, unknown: 0 },
      cost: 1,
    }),
  ])
  return { ...report, totals: { ...report.totals, cost: 1 } }
}

/** A sync of one image that is in sync, with deletes. */
function syncRun(deletes: PruneOutcome): { plan: SyncPlan; outcome: SyncOutcome } {
  const { plan: promotion, outcome } = metricRun({ images: [{ name: 'api', status: 'synced' }] })
  const [to] = promotion.placements
  const plan = {
    ...promotion,
    operation: 'sync',
    placements: promotion.placements.map((one) => ({ ...one, rule: 'hub' })),
    rules: [{ name: 'hub', hash: 'sha256:0' }],
    drift:
      to === undefined ? [] : [{ rule: 'hub', from: to.from.repository, to: to.to.repository, tags: [] }],
  } as unknown as SyncPlan
  return { plan, outcome: { ...outcome, deletes, undeleted: [], inSync: 1 } }
}

/** The metrics of `dray watch` after one event and one run. */
async function watchMetrics(): Promise<string> {
  const { WatchCounts } = await import('../../../src/cli/events/watch-metrics.ts')
  const counts = new WatchCounts()
  counts.countEvent('harbor', 'queued', 0)
  counts.countRun('api', 'changed')
  return `${counts.format({ length: 1, runs: 1, oldestAt: 0 }, 1000).join('\n')}\n`
}
