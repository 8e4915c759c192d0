import { resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { EditingOutcome, EditingPlan, FileOutcome } from '../../plan/edits/editing-plan.ts'
import { escapeLabel, formatFamily, writeExposition } from '../ci/exposition.ts'
import { readFormerSamples } from '../ci/former-samples.ts'

interface EditMetrics {
  readonly plan: EditingPlan
  readonly outcome: EditingOutcome
  readonly durationMs: number
  readonly isSuccess: boolean
}

const lastSuccess = 'dray_gitops_last_success_timestamp_seconds'
const statuses: readonly FileOutcome['status'][] = [
  'edited',
  'unchanged',
  'conflict',
  'failed',
  'notAttempted',
]

/**
 * Writes metrics of `dray gitops update` for the textfile collector of node_exporter. Keeps the
 * time of the last success if the run failed. @throws `io`, `not-found`.
 */
export async function writeEditMetrics(
  file: string,
  { plan: { edits }, outcome, durationMs, isSuccess }: EditMetrics,
  clock: Clock,
): Promise<void> {
  if (edits === undefined) return
  const path = resolve(file)
  const now = clock.now() / 1000
  const labels = `environment="${escapeLabel(edits.environment)}"`
  const success = isSuccess ? now : (await readFormerSamples(path, lastSuccess)).get(labels)
  const files = outcome.edits?.files ?? []
  const count = (status: FileOutcome['status']): number =>
    files.filter((one) => one.status === status).length + (status === 'unchanged' ? edits.upToDate.length : 0)
  const one = (name: string, help: string, value: number | undefined): readonly string[] =>
    formatFamily(name, help, value === undefined ? [] : [[`{${labels}}`, value]])
  await writeExposition(path, [
    ...formatFamily(
      'dray_gitops_files',
      'Deployment files of the last run by their result.',
      statuses.map((status) => [`{${labels},result="${status}"}`, count(status)] as const),
    ),
    ...one('dray_gitops_duration_seconds', 'Duration of the last run.', durationMs / 1000),
    ...one('dray_gitops_last_run_timestamp_seconds', 'End of the last run, seconds since 1970.', now),
    ...one(
      lastSuccess,
      'End of the last run after which all files had the images, seconds since 1970.',
      success,
    ),
  ])
}
