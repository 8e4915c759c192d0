import { join } from 'node:path'
import { digestOf, encodedOf } from '../../oci/digest.ts'
import { BoundedFolder } from '../../lib/files/bounded-folder.ts'
import type { CacheOptions } from './content-cache.ts'

/** A repository of 100,000 tags takes 10 MB. */
const maxEntryBytes = 16 * 1024 ** 2
const defaultMaxBytes = 256 * 1024 ** 2

/**
 * JSON values by key from earlier runs, in a folder of the caches. The last write wins. A value can
 * be out of date or absent at any time, so it may save requests but proves nothing.
 */
export class Remembered {
  readonly #folder: BoundedFolder

  /** @param kind the name of the folder */
  constructor(kind: string, { folder, clock, warn, maxBytes = defaultMaxBytes }: CacheOptions) {
    const path = join(folder, kind)
    this.#folder = new BoundedFolder({ path, maxBytes, maxEntryBytes, clock, warn })
  }

  /**
   * Returns the last value of the key in any shape, or undefined if it is absent or damaged. Never
   * throws.
   */
  get(key: string): Promise<unknown> {
    const bytes = this.#folder.get(nameOf(key))
    if (bytes === undefined) return Promise.resolve(undefined)
    const value = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(), key)
    if (value === undefined) this.#folder.remove(nameOf(key))
    return Promise.resolve(value)
  }

  /** Keeps a JSON value of up to 16 MiB. Never throws. */
  put(key: string, value: unknown): Promise<void> {
    const text = JSON.stringify({ key, value })
    this.#folder.put(nameOf(key), Buffer.from(`${digestOf(text)}\n${text}`))
    return Promise.resolve()
  }
}

function nameOf(key: string): string {
  return encodedOf(digestOf(key))
}

/** Parses an entry: one line with the digest of the rest, and the rest. */
function parse(text: string, key: string): unknown {
  const end = text.indexOf('\n')
  const json = text.slice(end + 1)
  if (text.slice(0, end) !== digestOf(json)) return undefined
  try {
    const entry = JSON.parse(json) as { readonly key?: unknown; readonly value?: unknown } | null
    return entry?.key === key ? entry.value : undefined
  } catch {
    return undefined
  }
}
