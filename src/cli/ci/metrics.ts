import { resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { PruneOutcome, RepositoryOutcome } from '../../plan/prune/prune-outcome.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import { outcomeTotalsOf } from '../../render/prune/prune-totals.ts'
import { escapeLabel, formatFamily, writeExposition } from './exposition.ts'
import { readFormerSamples } from './former-samples.ts'

export interface PruneMetrics {
  readonly plan: PrunePlan
  readonly outcome: PruneOutcome
  readonly durationMs: number
  /** everything was deleted: the time of the last success is updated */
  readonly isSuccess: boolean
}

const lastSuccess = 'dray_prune_last_success_timestamp_seconds'

/** The outcome of a repository and the number of images in the plan. */
interface RepositoryMetrics extends RepositoryOutcome {
  readonly seen: number
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly value: (one: RepositoryMetrics) => number
}

/** The metrics of each repository with changes or problems. */
const perRepository: readonly Metric[] = [
  {
    name: 'deleted_manifests',
    help: 'Manifests that the last run deleted.',
    value: ({ deleted }) => deleted,
  },
  { name: 'deleted_images', help: 'Tagged images that the last run deleted.', value: ({ images }) => images },
  {
    name: 'deleted_superseded',
    help: 'Superseded images that the last run deleted.',
    value: ({ superseded }) => superseded,
  },
  {
    name: 'deleted_untagged',
    help: 'Untagged manifests that the last run deleted because nothing reached them.',
    value: ({ untaggedManifests }) => untaggedManifests,
  },
  {
    name: 'untagged',
    help: 'Tags that the last run deleted from kept images.',
    value: ({ untagged }) => untagged,
  },
  { name: 'freed_bytes', help: 'Bytes that no remaining image refers to.', value: ({ freed }) => freed },
  { name: 'kept_images', help: 'Images that the last run kept.', value: ({ seen, images }) => seen - images },
  {
    name: 'locked',
    help: 'Images and tags that the registry refused to delete in the last run.',
    value: ({ locked }) => locked,
  },
  {
    name: 'conflicts',
    help: 'Deletes that the last run skipped because the repository changed.',
    value: ({ conflicts }) => conflicts,
  },
  { name: 'failures', help: 'Deletes of the last run that failed.', value: ({ failed }) => failed },
]

/**
 * Writes metrics for the textfile collector of node_exporter (Prometheus, Exposition formats,
 * Text-based format). Keeps the time of the last success if the run failed. If the old file cannot
 * be read, it stays: a lost success would hide an alert. Each policy needs its own file.
 * @throws `io`, `not-found`, `malformed`.
 */
export async function writeMetrics(file: string, metrics: PruneMetrics, clock: Clock): Promise<void> {
  const path = resolve(file)
  const now = clock.now() / 1000
  const success = metrics.isSuccess
    ? now
    : (await readFormerSamples(path, lastSuccess)).get(labelsOf(metrics))
  await writeExposition(path, formatMetrics(metrics, now, success))
}

/** @param now, success seconds since 1970; `success` is undefined if unknown. Pure. */
function formatMetrics(metrics: PruneMetrics, now: number, success: number | undefined): readonly string[] {
  const { plan, outcome, durationMs } = metrics
  const labels = labelsOf(metrics)
  const isWhole = outcome.refusals.some(({ repository }) => repository === undefined)
  // A run that is refused before it reads a repository counts as one refusal.
  const refused = Math.max(outcomeTotalsOf(plan, outcome).refused, isWhole ? 1 : 0)
  const repositories = changedRepositories(metrics, isWhole)
  const run = (name: string, help: string, value: number | undefined): readonly string[] =>
    formatFamily(name, help, value === undefined ? [] : [[`{${labels}}`, value]])
  return [
    ...perRepository.flatMap(({ name, help, value }) =>
      formatFamily(
        `dray_prune_${name}`,
        help,
        repositories.map((one) => [
          `{repository="${escapeLabel(formatRepository(one.repository))}",${labels}}`,
          value(one),
        ]),
      ),
    ),
    ...formatFamily(
      'dray_prune_deletes',
      'Manifests and tags that the last run deleted, by the API: oci or the kind of the vendor.',
      repositories.flatMap((one) =>
        Object.entries(one.deletedBy).map(
          ([by, count]) =>
            [
              `{repository="${escapeLabel(formatRepository(one.repository))}",by="${escapeLabel(by)}",${labels}}`,
              count,
            ] as const,
        ),
      ),
    ),
    ...run('dray_prune_refused', 'Repositories that the last run refused or could not read.', refused),
    ...run('dray_prune_duration_seconds', 'Duration of the last run.', durationMs / 1000),
    ...run('dray_prune_last_run_timestamp_seconds', 'End of the last run, seconds since 1970.', now),
    ...run(lastSuccess, 'End of the last run without a problem, seconds since 1970.', success),
  ]
}

/** Omits unchanged repositories, and all of them if the whole run was refused. */
function changedRepositories(
  { plan, outcome }: PruneMetrics,
  isWhole: boolean,
): readonly RepositoryMetrics[] {
  const seen = new Map(plan.repositories.map((one) => [formatRepository(one.repository), one.count.images]))
  return outcome.repositories
    .filter((one) => one.deleted + one.untagged + one.locked > 0 || (one.status !== 'unchanged' && !isWhole))
    .map((one) => ({ ...one, seen: seen.get(formatRepository(one.repository)) ?? one.images }))
}

function labelsOf({ plan }: PruneMetrics): string {
  return `policy="${escapeLabel(plan.policyName ?? '')}"`
}
