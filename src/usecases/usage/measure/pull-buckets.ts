import { dayMs } from '../../../lib/day.ts'
import type { BlobStorage } from '../contents/repository-contents.ts'
import type { PullBucket, PullTimes } from '../usage-report.ts'
import { hasPulls, lastUseOf } from './last-use.ts'

/** The first days of the buckets. */
const bucketDays = [0, 1, 7, 30, 90, 180, 365] as const

/** Beside times: a blob of no tagged image, and one of an image whose last pull is unknown. */
const [none, unknownTime] = [-1, Infinity]

/**
 * Divides tagged images and their blobs by the last pull. A blob counts at the newest pull of its
 * images. Undefined: no registry has pull times. Pure.
 */
export function measurePulls(storages: readonly BlobStorage[], now: number): PullTimes | undefined {
  const inventories = storages.flatMap(({ repositories }) => repositories.map(({ inventory }) => inventory))
  const sources = new Set(inventories.filter(hasPulls).map(({ name }) => name))
  if (sources.size === 0) return undefined
  const buckets = bucketDays.map((fromDays, i) => {
    const toDays = bucketDays[i + 1]
    return { fromDays, ...(toDays !== undefined && { toDays }), images: 0, bytes: 0 }
  })
  const unknown = { images: 0, bytes: 0 }
  const bucketAt = (at: number): { images: number; bytes: number } =>
    at === unknownTime ? unknown : (buckets[bucketOf(at, now)] ?? unknown)
  for (const storage of storages) {
    for (const { images } of storage.repositories)
      for (const image of images) bucketAt(lastUseOf(image) ?? unknownTime).images++
    for (const [id, at] of newestUses(storage).entries())
      if (at !== none) bucketAt(at).bytes += storage.blobs.sizeOf(id)
  }
  return { sources: [...sources].toSorted(), buckets, unknown }
}

function bucketOf(at: number, now: number): number {
  const days = (now - at) / dayMs
  return Math.max(
    0,
    bucketDays.findLastIndex((from: PullBucket['fromDays']) => days >= from),
  )
}

/** An unknown pull may be newer than any other. */
function newestUses({ blobs, repositories }: BlobStorage): Float64Array {
  const newest = new Float64Array(blobs.count).fill(none)
  for (const { images } of repositories) {
    for (const image of images) {
      const at = lastUseOf(image) ?? unknownTime
      for (const id of image.blobs) newest[id] = Math.max(newest[id] ?? none, at)
    }
  }
  return newest
}
