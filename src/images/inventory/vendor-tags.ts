import type { Call } from '../../lib/call.ts'
import { toDrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { ManifestReader } from '../ports.ts'
import type { Inventory, InventoryEntry, InventoryKind, InventoryTag } from './inventory.ts'
import { readInventory } from './inventory-snapshot.ts'

/** A tag of a vendor's list. Times are milliseconds since 1970. */
export interface VendorTag {
  readonly digest: Digest
  readonly mediaType?: string
  readonly pushedAt?: number
  /** undefined: unknown */
  readonly pulledAt?: number | 'never'
}

/** The tags of a repository in a vendor's list, which can be some seconds or hours old. */
export interface VendorTags {
  readonly kind: InventoryKind
  readonly tags: ReadonlyMap<string, VendorTag>
}

/**
 * Reads the tags of a repository from the vendor's list. Undefined, with a warning: the list cannot
 * be read, and the OCI API has to be used.
 * @param isNeeded without the list, something is missing. Otherwise it only saves requests, and a
 * missing token is a note.
 * @throws the signal's reason
 */
export async function readVendorTags(
  inventory: Inventory,
  repository: RepositoryName,
  isNeeded: boolean,
  call: Call,
): Promise<VendorTags | undefined> {
  try {
    const { kind, entries } = await readInventory(inventory, repository, call)
    const tags = new Map<string, VendorTag>()
    for (const entry of entries.values())
      for (const tag of entry.tags) tags.set(tag.name, listedTag(entry, tag))
    return { kind, tags }
  } catch (thrown) {
    call.signal.throwIfAborted()
    const { code, message, why, hint, subject } = toDrayError(thrown)
    // The OCI API says so too.
    if (code === 'not-found') return undefined
    const cause = why === undefined ? message : `${message}: ${why}`
    const text = `dray cannot read the list of ${inventory.name} for ${formatRepository(repository)}, and uses the OCI API: ${cause}.${hint === undefined ? '' : ` ${hint}`}`
    // The error of a missing token is about the registry, and that of a refused one about a
    // repository.
    const isMissingToken = code === 'unauthorized' && subject === repository.registry
    call.notify({ kind: isMissingToken && !isNeeded ? 'note' : 'warning', text })
    return undefined
  }
}

/** The times of the tag count, if the vendor has them. */
function listedTag(entry: InventoryEntry, tag: InventoryTag): VendorTag {
  const { digest, mediaType } = entry
  const { pushedAt = entry.pushedAt, pulledAt = entry.pulledAt } = tag
  return {
    digest,
    ...(mediaType !== undefined && { mediaType }),
    ...(pushedAt !== undefined && { pushedAt }),
    ...(pulledAt !== undefined && { pulledAt }),
  }
}

/**
 * Returns a reader that takes the digests of tags from the list and reads the manifest by digest,
 * which saves a request for each tag. A tag whose manifest is gone is resolved by name.
 */
export function withVendorTags<Store extends ManifestReader>(store: Store, { tags }: VendorTags): Store {
  return {
    ...store,
    resolve: async (at, call): Promise<Descriptor | undefined> => {
      const listed = 'tag' in at ? tags.get(at.tag) : undefined
      if (listed === undefined) return await store.resolve(at, call)
      const content = await store.findManifest({ digest: listed.digest }, call)
      return content?.descriptor ?? (await store.resolve(at, call))
    },
  }
}
