import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'

/** Bytes that one run keeps. Those that were added first are dropped first. */
const maxBytes = 256 * 1024 * 1024

/**
 * Verified content of attached artifacts that a run has read, by repository and digest: several
 * targets and the check before tags read it once.
 */
export class ContentOfRun {
  readonly #contents = new Map<string, Uint8Array>()
  #bytes = 0

  get(repository: RepositoryName, digest: Digest): Uint8Array | undefined {
    return this.#contents.get(keyOf(repository, digest))
  }

  /** `bytes` must have the digest. */
  add(repository: RepositoryName, digest: Digest, bytes: Uint8Array): void {
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
}

function keyOf(repository: RepositoryName, digest: Digest): string {
  return `${formatRepository(repository)}@${digest}`
}

const contents = new WeakMap<object, ContentOfRun>()

/** The content of the run that has these ports. */
export function contentOf(ports: object): ContentOfRun {
  const known = contents.get(ports) ?? new ContentOfRun()
  contents.set(ports, known)
  return known
}
