import { resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { formatRepository } from '../../oci/reference.ts'
import { isChanged, type PlacementOutcome, type RunOutcome } from '../../plan/outcome.ts'
import type { Placement, Plan } from '../../plan/plan.ts'
import { escapeLabel, formatFamily, type MetricSample, writeExposition } from './exposition.ts'
import { readFormerSamples } from './former-samples.ts'

export interface PlacementMetrics {
  readonly plan: Plan
  readonly outcome: RunOutcome
  readonly durationMs: number
}

/** The results of an image, of all operations. */
export const imageResults = ['done', 'unchanged', 'refused', 'conflict', 'failed', 'notAttempted'] as const
type ImageResult = (typeof imageResults)[number]

/** The last successes that a file keeps, of repositories that this run does not change. */
const maxKept = 10_000

/** The labels of every sample of a success. */
const ours = /^environment="(?:[^"\\]|\\.)*",repository="(?:[^"\\]|\\.)*"$/

/** An image at its target. */
interface Placed {
  readonly labels: string
  readonly placement: Placement
  readonly outcome: PlacementOutcome
}

/**
 * Writes metrics of promotions, copies, tags and rollbacks for the textfile collector of
 * node_exporter, for each environment and repository. Keeps the times of earlier successes. If the
 * old file cannot be read, it stays. Each job needs its own file. @throws `io`, `not-found`.
 */
export async function writePlacementMetrics(
  file: string,
  metrics: PlacementMetrics,
  clock: Clock,
): Promise<void> {
  const path = resolve(file)
  const before = await readFormerSamples(path, lastSuccessOf(metrics.plan))
  await writeExposition(path, formatPlacementMetrics(metrics, clock.now() / 1000, before))
}

/**
 * @param now seconds since 1970
 * @param before the last successes in seconds since 1970, by their labels
 */
function formatPlacementMetrics(
  { plan, outcome, durationMs }: PlacementMetrics,
  now: number,
  before: ReadonlyMap<string, number>,
): readonly string[] {
  const byLabels = Map.groupBy(placedOf(plan, outcome), ({ labels }) => labels)
  const withoutTarget = countWithoutTarget(plan)
  const sum = (value: (one: Placed) => number): readonly MetricSample[] =>
    [...byLabels].map(([labels, all]) => [`{${labels}}`, all.reduce((total, one) => total + value(one), 0)])
  const each = (value: number): readonly MetricSample[] =>
    [...byLabels.keys()].map((labels) => [`{${labels}}`, value])
  const name = (metric: string): string => `dray_${plan.operation}_${metric}`
  return [
    ...formatFamily(name('images'), 'Images of the last run by their result.', [
      ...[...byLabels].flatMap(([labels, all]) => countResults(labels, all)),
      // An image that is refused before dray knows its target.
      ...(withoutTarget === 0
        ? []
        : [[`{environment="",repository="",result="refused"}`, withoutTarget] as const]),
    ]),
    ...formatFamily(
      name('moved_tags'),
      'Tags that the last run created or moved.',
      sum((one) => one.outcome.tags.filter(({ changed }) => changed).length),
    ),
    ...formatFamily(
      name('copied_bytes'),
      'Bytes that the last run transferred to the repository.',
      sum((one) => one.outcome.transferred.bytes),
    ),
    ...formatFamily(
      name('gate_failures'),
      'Gates that refused an image in the last run.',
      sum((one) => countGates(one, 'refused')),
    ),
    ...formatFamily(
      name('gate_overrides'),
      'Gates that a person overrode in the last run.',
      sum((one) => countGates(one, 'overridden')),
    ),
    ...formatFamily(name('duration_seconds'), 'Duration of the last run.', each(durationMs / 1000)),
    ...formatFamily(
      name('last_run_timestamp_seconds'),
      'End of the last run, seconds since 1970.',
      each(now),
    ),
    ...formatFamily(
      lastSuccessOf(plan),
      'End of the last run after which all its images were in the repository, seconds since 1970.',
      successes(byLabels, now, before),
    ),
  ]
}

function lastSuccessOf({ operation }: Plan): string {
  return `dray_${operation}_last_success_timestamp_seconds`
}

function placedOf({ placements }: Plan, outcome: RunOutcome): readonly Placed[] {
  const outcomes = new Map(outcome.placements.map((one) => [one.placement, one]))
  return placements.flatMap((placement) => {
    const { id, to } = placement
    const one = outcomes.get(id)
    const environment = escapeLabel(to.environment ?? '')
    const labels = `environment="${environment}",repository="${escapeLabel(formatRepository(to.repository))}"`
    return one === undefined ? [] : [{ labels, placement, outcome: one }]
  })
}

/** Refused images without a placement. */
function countWithoutTarget({ placements, refusals }: Plan): number {
  const placed = new Set(placements.map(({ image }) => image))
  return new Set(refusals.flatMap(({ image }) => (placed.has(image) ? [] : [image]))).size
}

function countResults(labels: string, all: readonly Placed[]): readonly MetricSample[] {
  const results = Map.groupBy(all, ({ outcome }) => resultOf(outcome))
  return imageResults.map((result) => [`{${labels},result="${result}"}`, results.get(result)?.length ?? 0])
}

/** Each operation has its own word for an image that it changed. */
export function resultOf(outcome: PlacementOutcome): ImageResult {
  return isChanged(outcome) ? 'done' : (outcome.status as ImageResult)
}

function countGates({ outcome, placement }: Placed, effect: 'refused' | 'overridden'): number {
  return (outcome.gates ?? placement.gates ?? []).filter((gate) => gate.effect === effect).length
}

function successes(
  byLabels: ReadonlyMap<string, readonly Placed[]>,
  now: number,
  before: ReadonlyMap<string, number>,
): readonly MetricSample[] {
  const former = [...before].filter(([labels]) => ours.test(labels))
  const times = new Map(former.toSorted(([, a], [, b]) => b - a).slice(0, maxKept))
  for (const [labels, all] of byLabels)
    if (all.every(({ outcome }) => ['done', 'unchanged'].includes(resultOf(outcome)))) times.set(labels, now)
  return [...times].map(([labels, time]) => [`{${labels}}`, time])
}
