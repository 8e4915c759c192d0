import { resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { DriftState } from '../../plan/sync/drift.ts'
import type { SyncOutcome } from '../../plan/sync/sync-outcome.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { isPlaced } from '../changes/execute-placements.ts'
import { escapeLabel, formatFamily, type MetricSample, writeExposition } from '../ci/exposition.ts'
import { readFormerSamples } from '../ci/former-samples.ts'
import { imageResults, resultOf } from '../ci/placement-metrics.ts'

interface SyncMetrics {
  readonly plan: SyncPlan
  readonly outcome: SyncOutcome
  /** absent for a dry run */
  readonly durationMs?: number
}

const lastSuccess = 'dray_sync_last_success_timestamp_seconds'
const states: readonly DriftState[] = ['missing', 'moved', 'changed', 'extra', 'evidenceMissing', 'damaged']

/**
 * Writes metrics of each rule for the textfile collector of node_exporter. Keeps the time of the
 * last success of a rule that is not in sync now. If the old file cannot be read, it stays: a lost
 * success would hide an alert. Each job needs its own file.
 * @throws `io`, `not-found`.
 */
export async function writeSyncMetrics(file: string, metrics: SyncMetrics, clock: Clock): Promise<void> {
  const path = resolve(file)
  const now = clock.now() / 1000
  const before = await readFormerSamples(path, lastSuccess)
  await writeExposition(path, formatSyncMetrics(metrics, now, before))
}

/**
 * @param now seconds since 1970
 * @param before the last success of each rule in seconds since 1970, by its labels
 */
function formatSyncMetrics(
  { plan, outcome, durationMs }: SyncMetrics,
  now: number,
  before: ReadonlyMap<string, number>,
): readonly string[] {
  const rules = plan.rules.map(({ name }) => measureRule(name, plan, outcome))
  const samples = (value: (rule: RuleMetrics) => number | undefined): readonly MetricSample[] =>
    rules.flatMap((rule) => {
      const one = value(rule)
      return one === undefined ? [] : [[`{${rule.labels}}`, one] as const]
    })
  const successOf = ({ isInSync, labels }: RuleMetrics): number | undefined =>
    isInSync ? now : before.get(labels)
  return [
    ...formatFamily(
      'dray_sync_lag_seconds',
      'Time since the rule was last in sync at all destinations; 0 if it is in sync.',
      samples((rule) => {
        const success = successOf(rule)
        return success === undefined ? undefined : Math.max(0, now - success)
      }),
    ),
    ...formatFamily(
      'dray_sync_images',
      'Images that the last run wrote to a destination, by their result.',
      rules.flatMap(({ labels, results }) =>
        imageResults.map((result) => [`{${labels},result="${result}"}`, results.get(result) ?? 0] as const),
      ),
    ),
    ...formatFamily(
      'dray_sync_refused',
      'Images and repositories that the last run refused or could not read.',
      samples(({ refused }) => refused),
    ),
    ...formatFamily(
      'dray_sync_gate_failures',
      'Gates that refused an image in the last run.',
      samples(({ gates }) => gates.refused),
    ),
    ...formatFamily(
      'dray_sync_gate_overrides',
      'Gates that a person overrode in the last run.',
      samples(({ gates }) => gates.overridden),
    ),
    ...formatDeletes(outcome),
    ...formatFamily(
      'dray_sync_duration_seconds',
      'Duration of the last run, the same for each of its rules.',
      durationMs === undefined ? [] : samples(() => durationMs / 1000),
    ),
    ...formatFamily(
      'dray_sync_last_run_timestamp_seconds',
      'End of the last run, seconds since 1970.',
      samples(() => now),
    ),
    ...formatFamily(
      'dray_sync_copied_bytes',
      'Bytes that the last run transferred to the destinations.',
      samples(({ bytes }) => bytes),
    ),
    ...formatFamily(
      'dray_sync_drift',
      'Tags that differ between source and destination after the last run, by their difference.',
      rules.flatMap(({ labels, drift }) =>
        states.map((state) => [`{${labels},state="${state}"}`, drift.get(state) ?? 0] as const),
      ),
    ),
    ...formatFamily(
      lastSuccess,
      'End of the last run after which the rule was in sync, seconds since 1970.',
      samples(successOf),
    ),
  ]
}

interface RuleMetrics {
  readonly labels: string
  readonly bytes: number
  /** images by `imageResults` */
  readonly results: ReadonlyMap<string, number>
  readonly refused: number
  readonly gates: { readonly refused: number; readonly overridden: number }
  readonly drift: ReadonlyMap<DriftState, number>
  readonly isInSync: boolean
}

function measureRule(name: string, plan: SyncPlan, outcome: SyncOutcome): RuleMetrics {
  const placements = plan.placements.filter(({ rule }) => rule === name)
  const outcomes = new Map(outcome.placements.map((one) => [one.placement, one]))
  const done = new Set(
    placements.flatMap(({ id, to, tags }) => {
      const one = outcomes.get(id)
      return one !== undefined && isPlaced(one) ? tags.map(({ tag }) => tagKey(to.repository, tag)) : []
    }),
  )
  // An image without tags to write has attached artifacts to copy only.
  const evidence = new Set(
    placements.flatMap(({ id, to, root }) => {
      const one = outcomes.get(id)
      return one !== undefined && isPlaced(one) ? [tagKey(to.repository, root.digest)] : []
    }),
  )
  const deleted = deletedTags(plan, outcome)
  const drift = new Map<DriftState, number>()
  let isInSync = true
  for (const { rule, to, tags, error } of plan.drift) {
    if (rule !== name) continue
    isInSync &&= error === undefined
    for (const { tag, state, source } of tags) {
      const isDone =
        state === 'evidenceMissing'
          ? evidence.has(tagKey(to, source ?? ''))
          : state !== 'extra' && done.has(tagKey(to, tag))
      const isGone = state === 'extra' && deleted.has(tagKey(to, tag))
      if (isDone || isGone || state === 'kept') continue
      isInSync = false
      drift.set(state, (drift.get(state) ?? 0) + 1)
    }
  }
  const read = plan.drift.some(({ rule }) => rule === name)
  const bytes = placements.reduce((sum, { id }) => sum + (outcomes.get(id)?.transferred.bytes ?? 0), 0)
  // A source that cannot be read has no differences, and is not in sync either.
  const refused = plan.refusals.filter(({ rule }) => rule === name).length
  const placed = placements.flatMap(({ id }) => outcomes.get(id) ?? [])
  const results = Map.groupBy(placed, resultOf)
  const effects = placed.flatMap(({ gates = [] }) => gates.map(({ effect }) => effect))
  return {
    labels: `rule="${escapeLabel(name)}"`,
    bytes,
    results: new Map([...results].map(([result, all]) => [result, all.length])),
    refused,
    gates: {
      refused: effects.filter((one) => one === 'refused').length,
      overridden: effects.filter((one) => one === 'overridden').length,
    },
    drift,
    isInSync: isInSync && read && refused === 0,
  }
}

/** Deletes of extra tags, of the repositories in which the run changed something. */
function formatDeletes({ deletes }: SyncOutcome): readonly string[] {
  const changed = (deletes?.repositories ?? []).filter(({ status }) => status !== 'unchanged')
  const samples = (value: (one: (typeof changed)[number]) => number): readonly MetricSample[] =>
    changed.map((one) => [`{repository="${escapeLabel(formatRepository(one.repository))}"}`, value(one)])
  return [
    ...formatFamily(
      'dray_sync_deleted_manifests',
      'Manifests that the last run deleted.',
      samples(({ deleted }) => deleted),
    ),
    ...formatFamily(
      'dray_sync_untagged',
      'Tags that the last run deleted from kept images.',
      samples(({ untagged }) => untagged),
    ),
    ...formatFamily(
      'dray_sync_locked',
      'Images and tags that the registry refused to delete in the last run.',
      samples(({ locked }) => locked),
    ),
    ...formatFamily(
      'dray_sync_delete_failures',
      'Deletes of the last run that failed.',
      samples(({ failed }) => failed),
    ),
  ]
}

/** The tags of repositories in which every delete succeeded. A protected tag stays. */
function deletedTags(plan: SyncPlan, { deletes }: SyncOutcome): ReadonlySet<string> {
  const pruned = new Set(
    deletes?.repositories.flatMap(({ repository, status }) =>
      status === 'pruned' ? [formatRepository(repository)] : [],
    ),
  )
  return new Set(
    plan.deletes?.repositories.flatMap(({ repository, tags }) =>
      pruned.has(formatRepository(repository))
        ? tags.flatMap(({ tag, verdict }) => (verdict === 'keep' ? [] : [tagKey(repository, tag)]))
        : [],
    ),
  )
}

function tagKey(repository: SyncPlan['drift'][number]['to'], tag: string): string {
  return `${formatRepository(repository)} ${tag}`
}
