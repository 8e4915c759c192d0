import { formatDay } from '../../lib/day.ts'
import { formatRepository } from '../../oci/reference.ts'
import { type DescribedStorage, describeStorage } from './describe-repositories.ts'
import type { PolicyFacts, UsageFacts } from './facts.ts'
import { sumGrowth } from './growth/growth.ts'
import { arrangeHistory } from './growth/history-series.ts'
import { addRecords, recordOf } from './growth/usage-record.ts'
import { listImages } from './measure/list-images.ts'
import { listLayers } from './measure/list-layers.ts'
import { measurePulls } from './measure/pull-buckets.ts'
import { explainUnknowns } from './notes.ts'
import type { UsageRequest } from './request.ts'
import { sumTotals } from './sum-totals.ts'
import type { RepositoryUsage, UsagePolicy, UsageReport } from './usage-report.ts'

/** Makes the report of what is stored. Pure. */
export function buildUsageReport(facts: UsageFacts, request: UsageRequest): UsageReport {
  const { now, storages, unreachable, policy } = facts
  const { by, limit, sinceDays, notPulledFor } = request
  const recordsByName = Map.groupBy(facts.records, ({ repository }) => repository)
  const described = storages.map((storage) =>
    describeStorage(storage, { now, recordsByName, ...(policy !== undefined && { policy }) }, request),
  )
  const repositories = described.flatMap(({ rows }) => rows).toSorted(bySize)
  const pulls = measurePulls(storages, now)
  const images = by === 'tag' ? listImages(storages, { now, notPulledFor, limit }) : undefined
  const layers = by === 'layer' ? listLayers(storages, limit) : undefined
  const rows = images?.total ?? layers?.total
  return {
    at: new Date(now).toISOString(),
    by,
    sinceDays,
    ...(notPulledFor !== undefined && { notPulledFor }),
    ...(policy !== undefined && { policy: describePolicy(policy) }),
    repositories,
    unreachable,
    totals: { ...totalsOf(described, facts), ...(rows !== undefined && { rows }) },
    ...(images !== undefined && { images: images.images }),
    ...(layers !== undefined && { layers: layers.layers }),
    ...(pulls !== undefined && { pulls }),
    history: historyOf(repositories, facts),
    notes: [...facts.notes, ...explainUnknowns(repositories, facts, request)],
  }
}

function bySize(a: RepositoryUsage, b: RepositoryUsage): number {
  const isFirst = formatRepository(a.repository) < formatRepository(b.repository)
  return b.bytes.stored - a.bytes.stored || (isFirst ? -1 : 1)
}

function describePolicy({ name, refusedRun }: PolicyFacts): UsagePolicy {
  return { ...(name !== undefined && { name }), ...(refusedRun !== undefined && { refused: refusedRun }) }
}

function totalsOf(
  described: readonly DescribedStorage[],
  { unreachable }: UsageFacts,
): UsageReport['totals'] {
  // Records have no blobs, and blobs of several repositories count in each of them then.
  const known = described.flatMap(({ pushed, rows }) =>
    pushed === undefined ? rows.map(({ growth }) => growth) : [pushed],
  )
  const growth = sumGrowth(known.filter((one) => one !== 'unknown')) ?? 'unknown'
  return { ...sumTotals(described, unreachable.length), growth }
}

function historyOf(
  repositories: readonly RepositoryUsage[],
  { records, now }: UsageFacts,
): UsageReport['history'] {
  const today = repositories.map((one) => recordOf(one, now))
  const named = repositories.map(({ repository, image }) => ({
    repository: formatRepository(repository),
    name: image,
  }))
  return arrangeHistory(addRecords(records, today, formatDay(now)), named)
}
