import { dayMs } from '../../lib/day.ts'
import type { Digest } from '../../oci/digest.ts'
import type { InventorySnapshot } from './inventory-snapshot.ts'
import type { InventoryEntry } from './inventory.ts'
import type { OwnRead, OwnReads } from './own-read.ts'

/** Vendors note a pull some seconds late (Harbor: 10 s), and clocks are right to some seconds. */
const marginMs = 2 * 60_000

/** Whether a pull time of a manifest can be that of dray's own read. Pure. */
export function isOwnRead(
  { ownReads, knows }: Pick<InventorySnapshot, 'ownReads' | 'knows'>,
  digest: Digest,
  pulledAt: InventoryEntry['pulledAt'],
): boolean {
  const read = ownReads?.get(digest)
  if (read === undefined || typeof pulledAt !== 'number') return false
  const early = knows.pulledAt === 'day' ? dayMs : 0
  return pulledAt >= read.from - early - marginMs && pulledAt <= read.to + marginMs
}

/**
 * Returns the inventory with the pull times from before dray's own reads. It is for views: a pull
 * by another client at the same time is lost, so that no delete may depend on it. Pure.
 */
export function withoutOwnReads(snapshot: InventorySnapshot): InventorySnapshot {
  if (snapshot.ownReads === undefined || snapshot.ownReads.size === 0) return snapshot
  const entries = new Map(snapshot.entries)
  for (const [digest, read] of snapshot.ownReads) {
    const entry = entries.get(digest)
    if (entry === undefined || !isOwnRead(snapshot, digest, entry.pulledAt)) continue
    const { pulledAt: _, pulledBy: __, ...rest } = entry
    entries.set(digest, { ...rest, ...(read.before !== undefined && { pulledAt: read.before }) })
  }
  return { ...snapshot, entries }
}

/**
 * Returns the own reads to keep after a run: its new ones, and earlier ones of manifests that the
 * inventory still lists. Pure.
 * @param snapshot read before the new reads
 */
export function addOwnReads(
  snapshot: InventorySnapshot,
  digests: Iterable<Digest>,
  { from, to }: Pick<OwnRead, 'from' | 'to'>,
): OwnReads {
  const { entries } = withoutOwnReads(snapshot)
  const reads = new Map([...(snapshot.ownReads ?? [])].filter(([digest]) => entries.has(digest)))
  for (const digest of digests) {
    const before = entries.get(digest)?.pulledAt
    if (entries.has(digest)) reads.set(digest, { from, to, ...(before !== undefined && { before }) })
  }
  return reads
}
