import type { TagLister } from '../../images/ports.ts'
import { SharedTagList } from '../../images/tags/shared-tag-list.ts'
import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { isFresh } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'

/** Bytes that one run keeps. Those that were added first are dropped first. */
const maxBytes = 256 * 1024 * 1024

/**
 * The reads of a run for gates. Verified content of attached artifacts is kept by repository and
 * digest: several targets and the check before tags read it once. A tag list serves the images that
 * are judged at the same time.
 */
export class RunReads {
  readonly #contents = new Map<string, Uint8Array>()
  readonly #tagLists = new Map<string, { readonly list: SharedTagList; readonly readAt: number }>()
  readonly #confirmed = new Set<string>()
  #bytes = 0

  content(repository: RepositoryName, digest: Digest): Uint8Array | undefined {
    return this.#contents.get(keyOf(repository, digest))
  }

  /** `bytes` must have the digest. */
  keep(repository: RepositoryName, digest: Digest, bytes: Uint8Array): void {
    const key = keyOf(repository, digest)
    if (this.#contents.has(key)) return
    this.#contents.set(key, bytes)
    this.#bytes += bytes.byteLength
    for (const [oldest, dropped] of this.#contents) {
      if (this.#bytes <= maxBytes) break
      this.#contents.delete(oldest)
      this.#bytes -= dropped.byteLength
    }
  }

  /** Whether this run has not confirmed yet that a repository has no referrers API. */
  isUnconfirmed(repository: RepositoryName): boolean {
    return !this.#confirmed.has(formatRepository(repository))
  }

  confirm(repository: RepositoryName): void {
    this.#confirmed.add(formatRepository(repository))
  }

  /** Returns the tag list of a repository, which is read again when it is no longer fresh. */
  tagList(store: TagLister, clock: Pick<Clock, 'now'>, call: Call): SharedTagList {
    const name = formatRepository(store.repository)
    const known = this.#tagLists.get(name)
    const now = clock.now()
    if (known !== undefined && isFresh(known.readAt, now)) return known.list
    const list = new SharedTagList(store, call)
    this.#tagLists.set(name, { list, readAt: now })
    return list
  }
}

function keyOf(repository: RepositoryName, digest: Digest): string {
  return `${formatRepository(repository)}@${digest}`
}
