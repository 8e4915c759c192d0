import type { TimeSource } from '../../config/retention/policy.ts'
import type { ContentStore } from '../../images/cache/content-store.ts'
import { createdInConfig, readConfigBytes } from '../../images/config/image-config.ts'
import { RepositoryReader } from '../../images/graph/repository-reader.ts'
import type { RepositoryNode } from '../../images/graph/repository-node.ts'
import { inParallel } from '../../images/parallel.ts'
import type { SourceRepository } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import { isContentFailure } from '../../lib/errors.ts'
import { firstImage, parseCreated } from '../../oci/created.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'

/** Images whose times are read at once. */
const imagesAtOnce = 8

export interface TimeOptions {
  /** the first source that has a time decides */
  readonly timeFrom: readonly TimeSource[]
  /** milliseconds since 1970; a later time is not believable */
  readonly now: number
}

export interface TimePorts {
  readonly store: SourceRepository
  readonly contents?: ContentStore | undefined
  /** the push times of an inventory, in milliseconds since 1970 */
  readonly pushed?: (digest: Digest) => number | undefined
}

/**
 * Reads the times of images by the sources of a rule: the push time of an inventory or of the list
 * of tags, the created annotation, and `created` of the config, of an index the newest of its
 * platform images. Manifests and configs that the cache has cost no request.
 */
export class SyncTimes {
  readonly #options: TimeOptions
  readonly #ports: TimePorts
  readonly #reader: RepositoryReader

  constructor(options: TimeOptions, ports: TimePorts) {
    this.#options = options
    this.#ports = ports
    const { store, contents } = ports
    this.#reader = new RepositoryReader(store, { ...(contents !== undefined && { contents }) })
  }

  /**
   * Returns how many manifests have to be requested for the times of these images, at least: the
   * children of an index are unknown until it is read. Sends no request.
   */
  async countReads(digests: Iterable<Digest>): Promise<number> {
    let reads = 0
    for (const digest of digests) if (await this.#needsRead(digest)) reads += 1
    return reads
  }

  /**
   * Returns the time of each image, in milliseconds since 1970, or `undated` if no source has one
   * that can be believed.
   * @throws what the store throws, except about the content of an image.
   */
  async read(digests: Iterable<Digest>, call: Call): Promise<ReadonlyMap<Digest, number | 'undated'>> {
    const read = await inParallel([...new Set(digests)], imagesAtOnce, call, async (digest, c) => {
      return [digest, await this.#timeOf(digest, c)] as const
    })
    return new Map(read)
  }

  /** The manifests that GET returned until now. */
  get requested(): number {
    return this.#reader.requested.size
  }

  async #needsRead(digest: Digest): Promise<boolean> {
    for (const source of this.#options.timeFrom) {
      if (source === 'pushed' && this.#pushed(digest) !== undefined) return false
      if (source === 'annotation' || source === 'config')
        return (await this.#reader.recall(digest)) === undefined
    }
    return false
  }

  async #timeOf(digest: Digest, call: Call): Promise<number | 'undated'> {
    try {
      for (const source of this.#options.timeFrom) {
        const found = await this.#from(source, digest, call)
        if (found !== undefined) return this.#believed(found)
      }
    } catch (error) {
      // damaged or missing content has no time
      if (!isContentFailure(error)) throw error
    }
    return 'undated'
  }

  /** The time of a source, NaN if it is not a time; undefined if the source has none. */
  async #from(source: TimeSource, digest: Digest, call: Call): Promise<number | undefined> {
    switch (source) {
      case 'pushed':
        return this.#pushed(digest)
      case 'annotation':
        return await this.#annotated(digest, call)
      case 'config':
        return await this.#configured(digest, call)
      case 'promoted':
        return undefined
    }
  }

  #pushed(digest: Digest): number | undefined {
    const { pushed, store } = this.#ports
    return pushed?.(digest) ?? store.pushTime?.(digest)
  }

  /** Without `config`, the annotations of its images date an index. */
  async #annotated(digest: Digest, call: Call): Promise<number | undefined> {
    const node = await this.#reader.find(digest, call)
    if (node === null) return undefined
    if (isGiven(node.created)) return timeIn(node.created)
    if (node.kind !== 'index' || this.#options.timeFrom.includes('config')) return undefined
    return await this.#newestOf(node, (child) => this.#annotated(child, call))
  }

  async #configured(digest: Digest, call: Call): Promise<number | undefined> {
    const node = await this.#reader.find(digest, call)
    if (node === null) return undefined
    if (node.kind === 'index') return await this.#newestOf(node, (child) => this.#built(child, call))
    if (node.config === undefined) return undefined
    const created = await this.#createdIn(node.config, call)
    return isGiven(created) ? timeIn(created) : undefined
  }

  /** The time of an image in an index, by its own annotation and config in their order. */
  async #built(digest: Digest, call: Call): Promise<number | undefined> {
    for (const source of this.#options.timeFrom) {
      if (source !== 'annotation' && source !== 'config') continue
      const found = await this.#from(source, digest, call)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** One image of the index without a time makes the index undated. */
  async #newestOf(
    { children }: RepositoryNode,
    timeOf: (child: Digest) => Promise<number | undefined>,
  ): Promise<number | undefined> {
    const images = new Set(children.flatMap((one) => (one.isAttestation ? [] : [one.digest])))
    let newest: number | undefined
    for (const child of images) {
      const time = await timeOf(child)
      if (time === undefined || this.#believed(time) === 'undated') return Number.NaN
      newest = Math.max(newest ?? time, time)
    }
    return newest
  }

  async #createdIn(config: Descriptor, call: Call): Promise<string | undefined> {
    const { store, contents } = this.#ports
    const kept = await contents?.get(config.digest)
    const bytes = kept ?? (await readConfigBytes(store, config, call))
    if (kept === undefined) await contents?.put(config.digest, bytes)
    return createdInConfig(bytes, `config ${config.digest}`)
  }

  /** Reproducible builds write 1970, and nothing is built in the future. */
  #believed(time: number): number | 'undated' {
    return time >= firstImage && time <= this.#options.now ? time : 'undated'
  }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

function timeIn(text: string): number {
  return parseCreated(text) ?? Number.NaN
}
