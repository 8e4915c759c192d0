import type { Known } from '../ports.ts'
import type { Inventory, InventoryKind } from './inventory.ts'

export type DeleteKind = 'deleteManifest' | 'deleteTag'

/**
 * Returns the API that deletes a manifest or a tag. The OCI API deletes if it can. The vendor's API
 * deletes if the OCI API cannot, or if one request takes many items. Pure.
 * @param capability whether the OCI API deletes items of this kind in the repository
 */
export function deleteApiOf(
  kind: DeleteKind,
  inventory: Pick<Inventory, 'kind' | 'deletes'> | undefined,
  capability: Known,
): 'oci' | InventoryKind {
  const size = requestSizeOf(kind, inventory)
  if (inventory === undefined || size === 0) return 'oci'
  return size > 1 || capability === 'no' ? inventory.kind : 'oci'
}

/** The most items of one request of the vendor's API; 0: it does not delete them. */
export function requestSizeOf(kind: DeleteKind, inventory: Pick<Inventory, 'deletes'> | undefined): number {
  const size = kind === 'deleteTag' ? inventory?.deletes.tags : inventory?.deletes.manifests
  return size === undefined || size === 'no' ? 0 : size
}
