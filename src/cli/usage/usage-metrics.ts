import { resolve } from 'node:path'
import { formatRepository } from '../../oci/reference.ts'
import type { RepositoryUsage, UsageReport } from '../../usecases/usage/usage-report.ts'
import { escapeLabel, formatFamily, type MetricSample, writeExposition } from '../ci/exposition.ts'

interface UsageMetric {
  readonly name: string
  readonly help: string
  /** undefined: unknown, and the repository has no sample */
  readonly value: (row: RepositoryUsage, report: UsageReport) => number | undefined
}

const perRepository: readonly UsageMetric[] = [
  { name: 'images', help: 'Images with a tag.', value: ({ images }) => images },
  { name: 'tags', help: 'Tags of images.', value: ({ tags }) => tags },
  { name: 'manifests', help: 'Manifests that dray knows.', value: ({ manifests }) => manifests },
  { name: 'stored_bytes', help: 'Bytes of distinct blobs.', value: ({ bytes }) => bytes.stored },
  {
    name: 'sum_of_images_bytes',
    help: 'Sum of the images as if they shared nothing.',
    value: ({ sumOfImages }) => sumOfImages,
  },
  {
    name: 'last_pull_timestamp_seconds',
    help: 'Last pull of a tagged image, seconds since 1970.',
    value: ({ lastPulledAt }) => secondsOf(lastPulledAt),
  },
  {
    name: 'not_pulled_images',
    help: 'Images without a pull for the age of --not-pulled.',
    value: ({ notPulled }) => (typeof notPulled === 'object' ? notPulled.images : undefined),
  },
  {
    name: 'not_pulled_bytes',
    help: 'Bytes that only these images have.',
    value: ({ notPulled }) => (typeof notPulled === 'object' ? notPulled.bytes : undefined),
  },
  {
    name: 'would_free_bytes',
    help: 'Bytes that a prune with the policy would free.',
    value: ({ wouldFree }) => wouldFree?.bytes,
  },
  { name: 'cost', help: 'Price of a month without cross-repository bytes.', value: ({ cost }) => cost },
]

/** Writes the gauges of a report for Prometheus. @throws `io`, `not-found`. */
export async function writeUsageMetrics(file: string, report: UsageReport): Promise<void> {
  await writeExposition(resolve(file), formatUsageMetrics(report))
}

/** A value that is unknown has no sample: 0 would be wrong. Pure. */
export function formatUsageMetrics(report: UsageReport): readonly string[] {
  const { repositories, totals, at } = report
  const samples = (value: (row: RepositoryUsage) => number | undefined): readonly MetricSample[] =>
    repositories.flatMap((row) => {
      const known = value(row)
      return known === undefined ? [] : [[`{${labelOf(row)}}`, known] as const]
    })
  const parts = repositories.flatMap((row): readonly MetricSample[] => {
    const { stored: _, ...all } = row.bytes
    return Object.entries(all).flatMap(([part, bytes]) =>
      bytes === 'unknown' ? [] : [[`{${labelOf(row)},part="${part}"}`, bytes] as const],
    )
  })
  const run = (name: string, help: string, value: number | undefined): readonly string[] =>
    formatFamily(`dray_usage_${name}`, help, value === undefined ? [] : [['', value]])
  return [
    ...perRepository.flatMap(({ name, help, value }) =>
      formatFamily(
        `dray_usage_${name}`,
        help,
        samples((row) => value(row, report)),
      ),
    ),
    ...formatFamily('dray_usage_bytes', 'Bytes of distinct blobs by part.', parts),
    ...run('total_stored_bytes', 'Bytes of distinct blobs of all repositories.', totals.bytes.stored),
    ...run(
      'total_would_free_bytes',
      'Bytes that a prune with the policy would free.',
      totals.wouldFree?.bytes,
    ),
    ...run('total_cost', 'Price of a month with cross-repository bytes.', totals.cost),
    ...run('unreachable', 'Repositories that the last run could not read.', totals.unreachable),
    ...run('last_run_timestamp_seconds', 'Begin of the last run, seconds since 1970.', Date.parse(at) / 1000),
  ]
}

function labelOf({ repository }: RepositoryUsage): string {
  return `repository="${escapeLabel(formatRepository(repository))}"`
}

function secondsOf(time: string | undefined): number | undefined {
  const ms = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(ms) ? undefined : ms / 1000
}
