import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { algorithmOf, type Digest, digestOf, encodedOf } from '../../oci/digest.ts'
import { BoundedFolder } from '../../lib/files/bounded-folder.ts'

/** Manifests and configs beyond this are rare, and cost little to read again beside what they belong to. */
const maxEntryBytes = 1024 ** 2
const defaultMaxBytes = 512 * 1024 ** 2

export interface CacheOptions {
  /** the cache's own, such as `~/.cache/dray`; made where it is missing */
  readonly folder: string
  readonly clock: Clock
  /** told once where the folder cannot be written to */
  readonly warn: (text: string) => void
  /** what may lie there, bytes on disk; 512 MiB where it is not given */
  readonly maxBytes?: number
}

/**
 * Manifests and configs by their digest, on disk, for all processes of a user and from run to run. It cannot go stale: what it gives has the hash that
 * was asked for. It says nothing of whether a registry still has it.
 */
export class ContentCache {
  readonly #folder: BoundedFolder

  constructor({ folder, clock, warn, maxBytes = defaultMaxBytes }: CacheOptions) {
    const path = join(folder, 'content')
    this.#folder = new BoundedFolder({ path, maxBytes, maxEntryBytes, parts: 256, clock, warn })
  }

  /** Verified; undefined where it is not there. A damaged entry is removed and is not there. Never fails. */
  get(digest: Digest): Promise<Uint8Array | undefined> {
    const bytes = this.#folder.get(encodedOf(digest))
    if (bytes === undefined || digestOf(bytes, algorithmOf(digest)) === digest) return Promise.resolve(bytes)
    this.#folder.remove(encodedOf(digest))
    return Promise.resolve(undefined)
  }

  /** Keeps it where there is room for it; up to 1 MiB. Never fails. */
  put(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#folder.put(encodedOf(digest), bytes)
    return Promise.resolve()
  }
}
