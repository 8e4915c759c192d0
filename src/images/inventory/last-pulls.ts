import type { Digest } from '../../oci/digest.ts'
import type { InventorySnapshot } from './inventory-snapshot.ts'
import type { InventoryEntry } from './inventory.ts'
import { isOwnRead } from './own-reads.ts'

const dayMs = 86_400_000

/** The last pull of an image. Times are milliseconds since 1970. */
export type LastPull =
  | {
      readonly kind: 'pulled'
      /** as the vendor gives it */
      readonly at: number
      /** the latest time that the vendor's precision allows */
      readonly latest: number
      /** the user agent of that pull, not escaped */
      readonly by?: string
      /** it can be a GET of dray in an earlier run */
      readonly isOwn?: true
    }
  | { readonly kind: 'never' }
  | { readonly kind: 'unknown' }

/** The indexes that a graph shows, by their children. */
export interface IndexedChildren {
  /** the children of an index; none for any other manifest */
  children(digest: Digest): readonly Digest[]
  /** the indexes that list a manifest */
  indexes(digest: Digest): readonly Digest[]
}

/**
 * Returns the last pull of a manifest and its tags, of the indexes above it and of the manifests
 * below it: a client pulls an index, then one platform, and the vendor may count only one of them.
 * It is unknown if one of these is unknown. Pure.
 */
export function lastPullOf(
  { entries, knows, ownReads }: Pick<InventorySnapshot, 'entries' | 'knows' | 'ownReads'>,
  digest: Digest,
  edges: IndexedChildren,
): LastPull {
  const precision = knows.pulledAt === 'day' ? dayMs : 0
  const family = new Set([
    ...reachable(digest, (one) => edges.indexes(one)),
    ...reachable(digest, (one) => edges.children(one)),
  ])
  let last: LastPull = { kind: 'never' }
  for (const member of family) {
    const entry = entries.get(member)
    // An inventory of tags alone does not list the children.
    if (entry === undefined && !knows.untagged && member !== digest) continue
    const at = entry === undefined ? undefined : ownPull(entry)
    if (at === undefined) return { kind: 'unknown' }
    if (at === 'never' || (last.kind === 'pulled' && last.at >= at)) continue
    const by = entry?.pulledBy
    const isOwn = isOwnRead({ knows, ...(ownReads !== undefined && { ownReads }) }, member, at)
    last = {
      kind: 'pulled',
      at,
      latest: at + precision,
      ...(by !== undefined && { by }),
      ...(isOwn && { isOwn }),
    }
  }
  return last
}

/** The last pull of a manifest by digest or by one of its tags; undefined: unknown. */
function ownPull({ pulledAt, tags }: InventoryEntry): InventoryEntry['pulledAt'] {
  const ofTags = tags.map((tag) => tag.pulledAt)
  const isKnown = pulledAt !== undefined || (tags.length > 0 && !ofTags.includes(undefined))
  if (!isKnown) return undefined
  const times = [pulledAt, ...ofTags].filter((at) => typeof at === 'number')
  return times.length === 0 ? 'never' : Math.max(...times)
}

/**
 * Returns when a manifest or a tag of it was pushed last; undefined if the vendor does not give it.
 * The latest of several times counts: an image that was pushed again is as new as its last push.
 */
export function lastPushOf({ pushedAt, tags }: InventoryEntry): number | undefined {
  const times = [pushedAt, ...tags.map((tag) => tag.pushedAt)].filter((at) => at !== undefined)
  return times.length === 0 ? undefined : Math.max(...times)
}

function reachable(from: Digest, next: (digest: Digest) => readonly Digest[]): ReadonlySet<Digest> {
  const reached = new Set<Digest>([from])
  for (const digest of reached) for (const other of next(digest)) reached.add(other)
  return reached
}
