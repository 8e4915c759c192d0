import type { OwnRead, OwnReads } from '../../../images/inventory/own-read.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'

/** The reads of one run share their times. */
interface ReadGroup {
  readonly from: number
  readonly to: number
  /** the last pull from before; null: unknown */
  readonly before: Readonly<Record<Digest, number | 'never' | null>>
}

/** Makes a JSON value of own reads. */
export function formatOwnReads(reads: OwnReads): readonly ReadGroup[] {
  const groups = Map.groupBy(reads, ([, { from, to }]) => `${from} ${to}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const { from, to } = first[1]
    return [
      { from, to, before: Object.fromEntries(group.map(([digest, one]) => [digest, one.before ?? null])) },
    ]
  })
}

/** An invalid part of a value is ignored: it only makes dray's own reads look like pulls. */
export function parseOwnReads(value: unknown): OwnReads {
  const reads = new Map<Digest, OwnRead>()
  for (const group of Array.isArray(value) ? value : []) {
    if (!isRecord(group)) continue
    const { from, to, before } = group
    if (typeof from !== 'number' || typeof to !== 'number' || !isRecord(before)) continue
    for (const [digest, pulledAt] of Object.entries(before)) {
      if (!isDigest(digest)) continue
      const isKnown = typeof pulledAt === 'number' || pulledAt === 'never'
      reads.set(digest, { from, to, ...(isKnown && { before: pulledAt }) })
    }
  }
  return reads
}
