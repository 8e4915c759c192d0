import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import type { InventoryEntry, InventoryLock } from '../../../images/inventory/inventory.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositorySnapshot } from '../snapshot.ts'

/** Why the inventory is a reason to keep a manifest. */
export interface ListedReason {
  /**
   * `locked`: the vendor does not allow its delete; `disputed`: the inventory and the OCI API show
   * different content, or dray cannot read it
   */
  readonly kind: 'locked' | 'disputed'
  /** the name of the vendor */
  readonly by: string
  readonly text: string
}

/** Returns the manifests that locks of the vendor and disputes keep. Pure. */
export function findListedReasons({
  inventory,
  disputed = new Map(),
}: Pick<RepositorySnapshot, 'inventory' | 'disputed'>): ReadonlyMap<Digest, ListedReason> {
  if (inventory === undefined) return new Map()
  const reasons = new Map<Digest, ListedReason>()
  for (const [digest, text] of disputed) reasons.set(digest, { kind: 'disputed', by: inventory.name, text })
  for (const [digest, entry] of inventory.entries) {
    const text = describeLock(entry, inventory)
    if (text !== undefined) reasons.set(digest, { kind: 'locked', by: inventory.name, text })
  }
  return reasons
}

/** `locked in Harbor: immutable tag rule`; undefined: nothing locks the manifest. */
function describeLock(
  { locked, tags, status }: InventoryEntry,
  { name }: Pick<InventorySnapshot, 'name'>,
): string | undefined {
  if (locked !== undefined) return describe(locked, name, '')
  const tag = tags.find((one) => one.locked !== undefined)
  if (tag?.locked !== undefined) return describe(tag.locked, name, ` (tag ${tag.name})`)
  return isArchived({ status }) ? `archived in ${name}` : undefined
}

function describe({ text }: InventoryLock, name: string, of: string): string {
  return `locked in ${name}${of}: ${text}`
}

/** The OCI API does not show an archived image, which was kept on purpose (ECR: `imageStatus`). */
export function isArchived({ status }: { readonly status?: string | undefined }): boolean {
  return status?.toUpperCase().includes('ARCHIV') === true
}
