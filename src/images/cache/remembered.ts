import { join } from 'node:path'
import { digestOf, encodedOf } from '../../oci/digest.ts'
import { BoundedFolder } from '../../lib/files/bounded-folder.ts'
import type { CacheOptions } from './content-cache.ts'

/** A repository of 100,000 tags takes 10 MB. */
const maxEntryBytes = 16 * 1024 ** 2
const defaultMaxBytes = 256 * 1024 ** 2

/**
 * What an earlier run saw of something, such as a repository: a JSON value by key, in a folder of the caches. The last to write wins. It may be old, and
 * may be gone at any time: good for asking less, never for knowing.
 */
export class Remembered {
  readonly #folder: BoundedFolder

  /** @param kind what is remembered; the name of a folder */
  constructor(kind: string, { folder, clock, warn, maxBytes = defaultMaxBytes }: CacheOptions) {
    const path = join(folder, kind)
    this.#folder = new BoundedFolder({ path, maxBytes, maxEntryBytes, parts: 1, clock, warn })
  }

  /** The value that was kept last under the key, of whatever form; undefined where there is none or it is damaged. Never fails. */
  get(key: string): Promise<unknown> {
    const bytes = this.#folder.get(nameOf(key))
    if (bytes === undefined) return Promise.resolve(undefined)
    const value = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(), key)
    if (value === undefined) this.#folder.remove(nameOf(key))
    return Promise.resolve(value)
  }

  /** Keeps a value that JSON can hold, of up to 16 MiB. Never fails. */
  put(key: string, value: unknown): Promise<void> {
    const text = JSON.stringify({ key, value })
    this.#folder.put(nameOf(key), Buffer.from(`${digestOf(text)}\n${text}`))
    return Promise.resolve()
  }
}

function nameOf(key: string): string {
  return encodedOf(digestOf(key))
}

/** A line with the digest of the rest, and the rest. */
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
