import type { Call } from '../../../lib/call.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import { type Digest, isDigest } from '../../../oci/digest.ts'
import type { RepositoryClient } from '../client.ts'
import { inParallel } from '../../../images/parallel.ts'
import { resolveManifest } from '../manifests/manifests.ts'
import type { FallbackIndex, ReferrerEntry } from './fallback-index.ts'

const checksAtOnce = 16

/**
 * The entries that an index has to list: those of this run, and those of others that this run has
 * seen in it. Another writer that overwrites the index removes the entries of runs that have ended.
 * Only the runs that have seen those entries can add them again.
 */
export class WantedEntries {
  readonly #own: readonly Descriptor[]
  readonly #seen: Map<unknown, ReferrerEntry>

  constructor(own: readonly Descriptor[], seen: ReadonlyMap<unknown, ReferrerEntry>) {
    this.#own = own
    this.#seen = new Map(seen)
  }

  /** by digest */
  get seen(): ReadonlyMap<unknown, ReferrerEntry> {
    return this.#seen
  }

  /** Returns the entries of the index and those that it lacks; undefined if it lacks none. */
  mergeWith({ entries }: FallbackIndex): readonly ReferrerEntry[] | undefined {
    const listed = new Set(entries.map(digestOfEntry))
    for (const entry of entries) this.#seen.set(entry['digest'], entry)
    const own = this.#own.map((referrer): ReferrerEntry => ({ ...referrer }))
    const lost = [...own, ...this.#seen.values()].filter((entry) => !listed.has(entry['digest']))
    if (lost.length === 0) return undefined
    return [...entries, ...new Map(lost.map((entry) => [entry['digest'], entry])).values()]
  }

  /** Returns the referrers of this run that the index lacks. */
  findMissing({ entries }: FallbackIndex): readonly Digest[] {
    const listed = new Set(entries.map(digestOfEntry))
    return this.#own.flatMap(({ digest }) => (listed.has(digest) ? [] : [digest]))
  }

  /**
   * Forgets entries of others that the index lacks and whose manifests are gone: they were removed
   * together. An entry whose manifest cannot be read is kept.
   */
  async forgetDeleted(client: RepositoryClient, { entries }: FallbackIndex, call: Call): Promise<void> {
    const known = new Set<unknown>([...entries, ...this.#own].map(digestOfEntry))
    const lost = [...this.#seen.values()].filter((entry) => !known.has(entry['digest']))
    await inParallel(lost, checksAtOnce, call, async (entry, c) => {
      if (await isDeleted(client, entry, c)) this.#seen.delete(entry['digest'])
    })
  }
}

function digestOfEntry(entry: { readonly digest?: unknown }): unknown {
  return entry.digest
}

async function isDeleted(client: RepositoryClient, entry: ReferrerEntry, call: Call): Promise<boolean> {
  const digest = String(entry['digest'])
  if (!isDigest(digest)) return false
  try {
    return (await resolveManifest(client, { digest }, call)) === undefined
  } catch (error) {
    if (call.signal.aborted) throw error
    return false
  }
}
