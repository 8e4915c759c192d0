import { resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { readFileBounded } from '../../lib/files/read.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { DriftState } from '../../plan/sync/drift.ts'
import type { SyncOutcome } from '../../plan/sync/sync-outcome.ts'
import type { SyncPlan } from '../../plan/sync/sync-plan.ts'
import { isPlaced } from '../changes/execute-placements.ts'
import { escapeLabel, formatFamily, type MetricSample, writeExposition } from '../ci/exposition.ts'

interface SyncMetrics {
  readonly plan: SyncPlan
  readonly outcome: SyncOutcome
}

const maxFileSize = 16 * 1024 ** 2
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
  const before = await successesIn(path)
  await writeExposition(path, formatSyncMetrics(metrics, now, before))
}

/**
 * @param now seconds since 1970
 * @param before the last success of each rule in seconds since 1970, by its labels
 */
function formatSyncMetrics(
  { plan, outcome }: SyncMetrics,
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
  const isRefused = plan.refusals.some(({ rule }) => rule === name)
  return { labels: `rule="${escapeLabel(name)}"`, bytes, drift, isInSync: isInSync && read && !isRefused }
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

async function successesIn(path: string): Promise<ReadonlyMap<string, number>> {
  const bytes = await readFileBounded(path, maxFileSize)
  const prefix = `${lastSuccess}{`
  const lines = new TextDecoder().decode(bytes ?? new Uint8Array()).split('\n')
  return new Map(
    lines.flatMap((line) => {
      if (!line.startsWith(prefix)) return []
      const [, labels, value] = /^\{(.*)\} (\d+(?:\.\d+)?)\s*$/.exec(line.slice(lastSuccess.length)) ?? []
      return labels === undefined ? [] : [[labels, Number(value)] as const]
    }),
  )
}
