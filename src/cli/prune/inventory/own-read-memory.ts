import type { InventorySnapshot } from '../../../images/inventory/inventory-snapshot.ts'
import type { OwnRead } from '../../../images/inventory/own-read.ts'
import { addOwnReads } from '../../../images/inventory/own-reads.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import type { PruneCache } from '../prune-cache.ts'

/** Adds the GETs of earlier runs to an inventory with pull times. */
export async function withOwnReads<T extends { readonly snapshot: InventorySnapshot }>(
  reading: T,
  repository: RepositoryName,
  cache: PruneCache | undefined,
): Promise<T> {
  const { snapshot } = reading
  if (cache === undefined || snapshot.knows.pulledAt === 'no') return reading
  return { ...reading, snapshot: { ...snapshot, ownReads: await cache.ownReads(repository) } }
}

/**
 * Remembers the GETs of this run, which the vendor can count as pulls.
 * @param snapshot read before them, with those of earlier runs
 * @param period by the clock of the registry
 */
export async function rememberReads(
  snapshot: InventorySnapshot,
  repository: RepositoryName,
  cache: PruneCache | undefined,
  requested: ReadonlySet<Digest>,
  period: Pick<OwnRead, 'from' | 'to'>,
): Promise<void> {
  if (cache === undefined || snapshot.knows.pulledAt === 'no' || requested.size === 0) return
  await cache.rememberOwnReads(repository, addOwnReads(snapshot, requested, period))
}
