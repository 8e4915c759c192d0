import type { Digest } from '../../../oci/digest.ts'

/**
 * Blobs by small numbers, so that the contents of many images fit into memory. Each blob is stored
 * once by the registry, or by the repository with `dedupe: repository`.
 */
export class BlobTable {
  readonly #ids = new Map<Digest, number>()
  readonly #sizes: number[] = []
  readonly #isManifest: boolean[] = []

  addManifest(digest: Digest, size: number): number {
    const id = this.add(digest, size)
    this.#isManifest[id] = true
    return id
  }

  /** Returns the number of a blob. If manifests disagree about its size, the largest one counts. */
  add(digest: Digest, size: number): number {
    const known = this.#ids.get(digest)
    if (known !== undefined) {
      if (size > this.sizeOf(known)) this.#sizes[known] = size
      return known
    }
    const id = this.#sizes.length
    this.#ids.set(digest, id)
    this.#sizes.push(size)
    this.#isManifest.push(false)
    return id
  }

  /** How many blobs it has. Their numbers are from 0 up to this one. */
  get count(): number {
    return this.#sizes.length
  }

  sizeOf(id: number): number {
    return this.#sizes[id] ?? 0
  }

  isManifest(id: number): boolean {
    return this.#isManifest[id] === true
  }

  /** The layers and configs with their numbers. */
  *layers(): Iterable<readonly [Digest, number]> {
    for (const one of this.#ids) if (!this.isManifest(one[1])) yield one
  }

  countLayers(): number {
    return this.#isManifest.reduce((sum, isManifest) => sum + (isManifest ? 0 : 1), 0)
  }

  sum(ids: Iterable<number>): number {
    let bytes = 0
    for (const id of ids) bytes += this.sizeOf(id)
    return bytes
  }
}
