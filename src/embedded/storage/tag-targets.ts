import type { Digest } from '../../oci/digest.ts'

/** The digests of tags, and the tags of digests. */
export class TagTargets {
  readonly #digests = new Map<string, Digest>()
  readonly #tags = new Map<Digest, Set<string>>()

  digestOf(tag: string): Digest | undefined {
    return this.#digests.get(tag)
  }

  tagsOf(digest: Digest): readonly string[] {
    return [...(this.#tags.get(digest) ?? [])]
  }

  set(tag: string, digest: Digest): void {
    this.delete(tag)
    this.#digests.set(tag, digest)
    const tags = this.#tags.get(digest)
    if (tags === undefined) this.#tags.set(digest, new Set([tag]))
    else tags.add(tag)
  }

  /** False if it did not exist. */
  delete(tag: string): boolean {
    const digest = this.#digests.get(tag)
    if (digest === undefined) return false
    this.#digests.delete(tag)
    const tags = this.#tags.get(digest)
    tags?.delete(tag)
    if (tags?.size === 0) this.#tags.delete(digest)
    return true
  }
}
