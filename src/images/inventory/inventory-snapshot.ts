import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type {
  Inventory,
  InventoryDeletes,
  InventoryEntry,
  InventoryKind,
  InventoryKnowledge,
  InventoryTag,
} from './inventory.ts'
import type { OwnReads } from './own-read.ts'

/** As many as a scan of a repository accepts. */
const maxEntries = 500_000

/** The complete inventory of one repository at one time. */
export interface InventorySnapshot {
  readonly kind: InventoryKind
  readonly name: string
  readonly knows: InventoryKnowledge
  readonly deletes: InventoryDeletes
  readonly entries: ReadonlyMap<Digest, InventoryEntry>
  /** the tags of all entries with their digests */
  readonly tags: ReadonlyMap<string, Digest>
  /** GETs of dray in earlier runs, which the vendor can have counted as pulls */
  readonly ownReads?: OwnReads
}

/**
 * Reads the whole inventory of a repository and merges entries of one digest. A tag that moved
 * while the pages were read belongs to the entry that was listed last.
 * @throws what `entries` throws; `unsupported` for too many entries.
 */
export async function readInventory(
  inventory: Inventory,
  repository: RepositoryName,
  call: Call,
): Promise<InventorySnapshot> {
  const entries = new Map<Digest, InventoryEntry>()
  const tags = new Map<string, Digest>()
  for await (const entry of inventory.entries(repository, call)) {
    const known = entries.get(entry.digest)
    entries.set(entry.digest, known === undefined ? entry : mergeEntries(known, entry))
    for (const { name } of entry.tags) tags.set(name, entry.digest)
    if (entries.size > maxEntries) {
      const subject = formatRepository(repository)
      throw new DrayError('unsupported', `${subject} has more than ${maxEntries} manifests`, { subject })
    }
  }
  const { kind, name, knows, deletes } = inventory
  return { kind, name, knows, deletes, entries: withoutMovedTags(entries, tags), tags }
}

/** A later page knows at least as much; the later of two times counts. */
function mergeEntries(a: InventoryEntry, b: InventoryEntry): InventoryEntry {
  const tags = new Map<string, InventoryTag>([...a.tags, ...b.tags].map((tag) => [tag.name, tag]))
  const pushedAt = laterOf(a.pushedAt, b.pushedAt)
  const pulledAt = laterPull(a.pulledAt, b.pulledAt)
  const { pulledAt: _, ...rest } = { ...a, ...b }
  return {
    ...rest,
    tags: [...tags.values()],
    ...(pushedAt !== undefined && { pushedAt }),
    ...(pulledAt !== undefined && { pulledAt }),
  }
}

function laterOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}

/** An unknown pull time stays unknown unless another entry has a time. */
function laterPull(a: InventoryEntry['pulledAt'], b: InventoryEntry['pulledAt']): InventoryEntry['pulledAt'] {
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b)
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? a : b
  return a === 'never' && b === 'never' ? 'never' : undefined
}

/** Each tag is on one entry alone. */
function withoutMovedTags(
  entries: Map<Digest, InventoryEntry>,
  tags: ReadonlyMap<string, Digest>,
): ReadonlyMap<Digest, InventoryEntry> {
  for (const [digest, entry] of entries) {
    const own = entry.tags.filter(({ name }) => tags.get(name) === digest)
    if (own.length < entry.tags.length) entries.set(digest, { ...entry, tags: own })
  }
  return entries
}
