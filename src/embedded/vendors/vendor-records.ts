import type { Digest } from '../../oci/digest.ts'

/** Times of a manifest or tag, in milliseconds since 1970. */
export interface VendorTimes {
  readonly pushedAt: number
  /** undefined: never */
  readonly pulledAt?: number
  /** the user agent of the last pull */
  readonly pulledBy?: string
}

/**
 * The facts that a vendor knows beside the storage: when each manifest and tag was pushed and
 * pulled, in memory. Content that was there before counts as pushed at the start.
 */
export class VendorRecords {
  readonly #startedAt: number
  readonly #times = new Map<string, VendorTimes>()
  readonly #ids = new Map<string, number>()
  readonly #deletedAt = new Map<string, number>()

  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  manifest(repository: string, digest: Digest): VendorTimes {
    return this.#times.get(`${repository}@${digest}`) ?? { pushedAt: this.#startedAt }
  }

  tag(repository: string, tag: string): VendorTimes {
    return this.#times.get(`${repository}:${tag}`) ?? { pushedAt: this.#startedAt }
  }

  /** A number that identifies a manifest for the vendor; it never changes. */
  idOf(repository: string, digest: Digest): number {
    const key = `${repository}@${digest}`
    const id = this.#ids.get(key) ?? this.#ids.size + 1
    this.#ids.set(key, id)
    return id
  }

  /** When the manifest was deleted last; undefined: it was not. */
  deletedAt(repository: string, digest: Digest): number | undefined {
    return this.#deletedAt.get(`${repository}@${digest}`)
  }

  /** A manifest that is pushed again keeps its first time; a tag gets the new one. */
  pushed(repository: string, digest: Digest, tags: readonly string[], at: number): void {
    const key = `${repository}@${digest}`
    if (!this.#times.has(key)) this.#times.set(key, { pushedAt: at })
    this.#deletedAt.delete(key)
    for (const tag of tags) this.#times.set(`${repository}:${tag}`, { pushedAt: at })
  }

  /** @param tag the tag of the request, if it had one */
  pulled(repository: string, digest: Digest, tag: string | undefined, at: number, by?: string): void {
    const pull = { pulledAt: at, ...(by !== undefined && { pulledBy: by }) }
    this.#times.set(`${repository}@${digest}`, { ...this.manifest(repository, digest), ...pull })
    if (tag !== undefined) this.#times.set(`${repository}:${tag}`, { ...this.tag(repository, tag), ...pull })
  }

  deleted(repository: string, digest: Digest, at: number): void {
    const key = `${repository}@${digest}`
    this.#times.delete(key)
    this.#deletedAt.set(key, at)
  }

  /** Sets times, for rehearsals and tests. @param of a digest or a tag */
  set(
    repository: string,
    of: { readonly digest: Digest } | { readonly tag: string },
    times: VendorTimes,
  ): void {
    this.#times.set('digest' in of ? `${repository}@${of.digest}` : `${repository}:${of.tag}`, times)
  }
}
