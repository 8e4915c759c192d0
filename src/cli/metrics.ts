import { resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import { writeFileAtomic } from '../files/atomic.ts'
import { readFileBounded } from '../files/read.ts'
import { formatRepository } from '../oci/reference.ts'
import type { PruneOutcome, RepositoryOutcome } from '../plan/prune-outcome.ts'
import type { PrunePlan } from '../plan/prune-plan.ts'

export interface PruneMetrics {
  readonly plan: PrunePlan
  readonly outcome: PruneOutcome
  readonly durationMs: number
  /** all that was to go is gone: the time of the last success moves on */
  readonly isSuccess: boolean
}

const maxFileSize = 16 * 1024 ** 2
const lastSuccess = 'dray_prune_last_success_timestamp_seconds'

interface Metric {
  readonly name: string
  readonly help: string
  readonly value: (one: RepositoryOutcome, metrics: PruneMetrics) => number
}

/** For each repository that has something to tell. */
const perRepository: readonly Metric[] = [
  { name: 'deleted_manifests', help: 'Manifests deleted by the last run.', value: ({ deleted }) => deleted },
  { name: 'deleted_images', help: 'Of these, those that had a tag.', value: ({ images }) => images },
  { name: 'untagged', help: 'Tags taken off images that stay.', value: ({ untagged }) => untagged },
  { name: 'freed_bytes', help: 'Bytes that no remaining image refers to.', value: ({ freed }) => freed },
  { name: 'kept_images', help: 'Images that stay.', value: keptImages },
  {
    name: 'conflicts',
    help: 'Deletes that a change meanwhile spoke against.',
    value: ({ conflicts }) => conflicts,
  },
  { name: 'failures', help: 'Deletes that failed.', value: ({ failed }) => failed },
]

/**
 * Writes what a run did for the textfile collector of node_exporter (Prometheus, Exposition formats, Text-based format): by rename, so that no half of it
 * is ever read. The time of the last success stays what it was where the run was none. @throws `io`.
 */
export async function writeMetrics(file: string, metrics: PruneMetrics, clock: Clock): Promise<void> {
  const path = resolve(file)
  const before = metrics.isSuccess ? undefined : await lastSuccessIn(path, labelsOf(metrics))
  await writeFileAtomic(path, formatMetrics(metrics, new Date(clock.now()), before), { mode: 0o644 })
}

/** @param before the last success that was known, seconds since 1970; of a run that is none. Pure. */
function formatMetrics(metrics: PruneMetrics, now: Date, before: number | undefined): string {
  const { outcome, durationMs, isSuccess } = metrics
  const labels = labelsOf(metrics)
  const seconds = now.getTime() / 1000
  const success = isSuccess ? seconds : before
  const told = outcome.repositories.filter(isWorthTelling)
  const refused = new Set(
    outcome.refusals.map(({ repository }) => (repository === undefined ? '' : formatRepository(repository))),
  ).size
  return [
    ...perRepository.flatMap(({ name, help, value }) =>
      family(
        `dray_prune_${name}`,
        help,
        told.map((one) => [
          `{repository="${escapeLabel(formatRepository(one.repository))}",${labels}}`,
          value(one, metrics),
        ]),
      ),
    ),
    ...family('dray_prune_refused', 'Repositories, or whole runs, that were refused.', [
      [`{${labels}}`, refused],
    ]),
    ...family('dray_prune_duration_seconds', 'How long the last run took.', [
      [`{${labels}}`, durationMs / 1000],
    ]),
    ...family('dray_prune_last_run_timestamp_seconds', 'When the last run ended.', [
      [`{${labels}}`, seconds],
    ]),
    ...family(
      lastSuccess,
      'When a run last ended with all done.',
      success === undefined ? [] : [[`{${labels}}`, success]],
    ),
    '',
  ].join('\n')
}

function family(
  name: string,
  help: string,
  samples: readonly (readonly [labels: string, value: number])[],
): string[] {
  if (samples.length === 0) return []
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(([labels, value]) => `${name}${labels} ${value}`),
  ]
}

function labelsOf({ plan }: PruneMetrics): string {
  return `policy="${escapeLabel(plan.policyName ?? '')}"`
}

function keptImages({ repository, images }: RepositoryOutcome, { plan }: PruneMetrics): number {
  const name = formatRepository(repository)
  const planned = plan.repositories.find((one) => formatRepository(one.repository) === name)
  return (planned?.count.images ?? 0) - images
}

/** A registry of thousands of repositories would be thousands of series that say 0. */
function isWorthTelling({ deleted, untagged, conflicts, failed, status }: RepositoryOutcome): boolean {
  return deleted + untagged + conflicts + failed > 0 || status !== 'unchanged'
}

async function lastSuccessIn(path: string, labels: string): Promise<number | undefined> {
  const bytes = await readFileBounded(path, maxFileSize)
  if (bytes === undefined) return undefined
  const prefix = `${lastSuccess}{${labels}} `
  const line = Buffer.from(bytes)
    .toString()
    .split('\n')
    .find((one) => one.startsWith(prefix))
  const value = line === undefined ? Number.NaN : Number(line.slice(prefix.length))
  return Number.isFinite(value) ? value : undefined
}

/** Backslash, quote and line feed (Text-based format, Line format). */
function escapeLabel(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
