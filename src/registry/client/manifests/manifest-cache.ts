import type { Digest } from '../../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import type { ManifestContent } from '../../../images/ports.ts'

/** The memory of an entry besides the bytes of its manifest, measured with 100,000 entries. */
const entryBytes = 1024

/**
 * Manifests that this run read, by digest, so that they are not read twice. The bytes are kept once
 * for all repositories, up to a limit. A repository gets only what it served itself, so that a read
 * never answers for a repository that was not asked.
 */
export class ManifestCache {
  readonly #maxBytes: number
  readonly #contents = new Map<Digest, ManifestContent>()
  readonly #readFrom = new Map<Digest, Set<string>>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(repository: RepositoryName, digest: Digest): ManifestContent | undefined {
    if (this.#readFrom.get(digest)?.has(formatRepository(repository)) !== true) return undefined
    const content = this.#contents.get(digest)
    if (content !== undefined) {
      // The last one in the map was used last.
      this.#contents.delete(digest)
      this.#contents.set(digest, content)
    }
    return content
  }

  /** `content` must be verified. */
  add(repository: RepositoryName, content: ManifestContent): void {
    const { digest } = content.descriptor
    if (sizeOf(content) > this.#maxBytes) return
    if (!this.#contents.has(digest)) {
      this.#contents.set(digest, content)
      this.#bytes += sizeOf(content)
    }
    const repositories = this.#readFrom.get(digest) ?? new Set<string>()
    this.#readFrom.set(digest, repositories.add(formatRepository(repository)))
    for (const oldest of this.#contents.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#drop(oldest)
    }
  }

  /** After a write or a delete, the next read asks the registry. */
  forget(repository: RepositoryName, digest: Digest): void {
    this.#readFrom.get(digest)?.delete(formatRepository(repository))
  }

  /** Frees the bytes, unless another repository served them too. */
  release(repository: RepositoryName, digest: Digest): void {
    this.forget(repository, digest)
    if (this.#readFrom.get(digest)?.size === 0) this.#drop(digest)
  }

  #drop(digest: Digest): void {
    const content = this.#contents.get(digest)
    if (content !== undefined) this.#bytes -= sizeOf(content)
    this.#contents.delete(digest)
    this.#readFrom.delete(digest)
  }
}

function sizeOf({ bytes }: ManifestContent): number {
  return bytes.byteLength + entryBytes
}
