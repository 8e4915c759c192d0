import { dayMs, formatDay } from '../../lib/day.ts'
import { formatRepository } from '../../oci/reference.ts'
import type { BlobStorage, RepositoryContents } from './contents/repository-contents.ts'
import type { PolicyFacts } from './facts.ts'
import { growthSince } from './growth/growth.ts'
import { recordOf, type UsageRecord } from './growth/usage-record.ts'
import { hasPulls } from './measure/last-use.ts'
import { formatPull } from './measure/list-images.ts'
import { measureBytes, storedBytesOf, sumImages } from './measure/measure-bytes.ts'
import { measureFreed } from './measure/measure-freed.ts'
import { measureUnpulled } from './measure/measure-unpulled.ts'
import type { UsageRequest } from './request.ts'
import type { RepositoryUsage, StoredBytes, UsageGrowth, WouldFree } from './usage-report.ts'

const gib = 1024 ** 3

export interface StorageFacts {
  readonly now: number
  readonly policy?: PolicyFacts
  readonly recordsByName: ReadonlyMap<string, readonly UsageRecord[]>
}

/** The repositories of a storage, and what their sums count twice. */
export interface DescribedStorage {
  readonly storage: BlobStorage
  readonly rows: readonly RepositoryUsage[]
  readonly bytes: StoredBytes
  /** the growth, if the push times of all repositories show it */
  readonly pushed?: UsageGrowth
  readonly unpulledBytes?: number
  readonly freed?: number
  readonly cost?: number
}

/** Describes each repository of a storage. Pure. */
export function describeStorage(
  storage: BlobStorage,
  { now, policy, recordsByName }: StorageFacts,
  { sinceDays, notPulledFor }: UsageRequest,
): DescribedStorage {
  const { price, repositories } = storage
  const measured = measureBytes(storage)
  const unpulled = notPulledFor === undefined ? undefined : measureUnpulled(storage, notPulledFor, now)
  const freed =
    policy === undefined ? undefined : measureFreed(storage, (one) => refusalOf(one, policy) === undefined)
  const rows = repositories.map((contents): RepositoryUsage => {
    const { repository, image, images, manifests, inventory } = contents
    const parts = measured.byRepository.get(contents) ?? emptyParts
    const bytes = storedBytesOf(parts, inventory?.untagged === true)
    const notPulled = hasPulls(inventory) ? unpulled?.byRepository.get(contents) : undefined
    const row = {
      repository,
      image,
      ...(inventory !== undefined && { inventory: inventory.kind }),
      images: images.length,
      tags: images.reduce((sum, { tags }) => sum + tags.length, 0),
      manifests,
      bytes,
      sumOfImages: sumImages(contents, storage),
      ...(hasPulls(inventory) && { lastPulledAt: lastPull(contents) }),
      ...(notPulledFor !== undefined && { notPulled: notPulled ?? ('unknown' as const) }),
      ...(policy !== undefined && {
        wouldFree: wouldFreeOf(contents, policy, freed?.byRepository.get(contents) ?? 0),
      }),
      ...(price !== undefined && { cost: (price * (bytes.stored - bytes.crossRepository)) / gib }),
    }
    const known = recordsByName.get(formatRepository(repository)) ?? []
    const recorded = growthSince(known, recordOf(row, now), sinceDays)
    return { ...row, growth: recorded ?? growthByPushes([contents], storage, now, sinceDays) ?? 'unknown' }
  })
  const isByPushes = rows.every(({ growth }) => growth !== 'unknown' && growth.source === 'pushTimes')
  const pushed = isByPushes ? growthByPushes(repositories, storage, now, sinceDays) : undefined
  const isUntaggedKnown = repositories.every(({ inventory }) => inventory?.untagged === true)
  const bytes = storedBytesOf(measured.total, isUntaggedKnown)
  return {
    storage,
    rows,
    bytes,
    ...(pushed !== undefined && { pushed }),
    ...(unpulled !== undefined && { unpulledBytes: unpulled.bytes }),
    ...(freed !== undefined && { freed: freed.total }),
    ...(price !== undefined && { cost: (price * bytes.stored) / gib }),
  }
}

const emptyParts = { unique: 0, shared: 0, crossRepository: 0, untagged: 0 }

/** Why a prune deletes nothing in a repository. */
function refusalOf({ repository }: RepositoryContents, policy: PolicyFacts): WouldFree['refused'] {
  return policy.refusedRun ?? policy.refused.get(formatRepository(repository))
}

function wouldFreeOf(contents: RepositoryContents, policy: PolicyFacts, bytes: number): WouldFree {
  const refused = refusalOf(contents, policy)
  if (refused !== undefined) return { bytes: 0, images: 0, manifests: 0, refused }
  return { bytes, images: contents.planned?.images ?? 0, manifests: contents.planned?.manifests ?? 0 }
}

/** The newest pull; unknown if one image's is unknown. */
function lastPull({ images }: RepositoryContents): string {
  const times = images.map(({ pulledAt }) => pulledAt)
  if (times.includes(undefined)) return 'unknown'
  const known = times.filter((at) => typeof at === 'number')
  return formatPull(known.length === 0 ? 'never' : known.reduce((a, b) => Math.max(a, b)))
}

/**
 * The content that was pushed since, by the push times of the inventories. A blob of several
 * repositories counts once, and not at all if one of them had it before.
 */
function growthByPushes(
  repositories: readonly RepositoryContents[],
  { blobs }: BlobStorage,
  now: number,
  sinceDays: number,
): UsageGrowth | undefined {
  const known = new Set<number>()
  const added = new Set<number>()
  for (const { older, images, orphaned, untagged } of repositories) {
    if (older === undefined) return undefined
    for (const id of older) known.add(id)
    for (const ids of [...images.map((image) => image.blobs), ...orphaned, untagged])
      for (const id of ids) added.add(id)
  }
  for (const id of known) added.delete(id)
  return {
    bytes: blobs.sum(added),
    from: formatDay(now - sinceDays * dayMs),
    days: sinceDays,
    source: 'pushTimes',
  }
}
