import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { algorithmOf, type Digest, digestOf, encodedOf } from '../../oci/digest.ts'
import { PackedFolder } from '../../lib/files/packed-folder.ts'

/**
 * Larger manifests and configs are rare, and reading them again is cheap compared to their images.
 */
const maxEntryBytes = 1024 ** 2
const defaultMaxBytes = 256 * 1024 ** 2

export interface CacheOptions {
  /** a folder for the cache only, such as `~/.cache/dray`; created if it is absent */
  readonly folder: string
  readonly clock: Clock
  /** called once if the folder is not writable */
  readonly warn: (text: string) => void
  /** the limit of bytes on disk; by default 256 MiB */
  readonly maxBytes?: number
}

/**
 * Manifests and configs by their digest, on disk, for all runs of a user. An entry
 * cannot go stale, because its bytes have the digest. It does not show whether a registry still has
 * them.
 */
export class ContentCache {
  readonly #folder: PackedFolder

  constructor({ folder, clock, warn, maxBytes = defaultMaxBytes }: CacheOptions) {
    const path = join(folder, 'content')
    this.#folder = new PackedFolder({ path, maxBytes, maxEntryBytes, clock, warn })
  }

  /** Returns verified bytes, or undefined. Removes damaged content. Never throws. */
  get(digest: Digest): Promise<Uint8Array | undefined> {
    const bytes = this.#folder.get(encodedOf(digest))
    if (bytes === undefined || digestOf(bytes, algorithmOf(digest)) === digest) return Promise.resolve(bytes)
    this.#folder.remove(encodedOf(digest))
    return Promise.resolve(undefined)
  }

  /** Keeps up to 1 MiB if there is room. Never throws. */
  put(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#folder.put(encodedOf(digest), bytes)
    return Promise.resolve()
  }

  /** Writes the content of `put`. Never throws. */
  flush(): Promise<void> {
    this.#folder.flush()
    return Promise.resolve()
  }
}
