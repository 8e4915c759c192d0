import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { ByteBudget } from './byte-budget.ts'
import { foreignRefusal } from '../errors.ts'
import { defaultMemoryBytes } from '../access/limits.ts'
import { byText, SortedNames } from './sorted-names.ts'
import type { OpenBlob, RegistryStorage, StoredManifest } from './storage.ts'
import { TagTargets } from './tag-targets.ts'

/**
 * The memory of a map entry, a repository and a chunk beside their bytes. Rough and high, because
 * content without bytes must not be free.
 */
const entryBytes = 512
const repositoryBytes = 4096
const chunkBytes = 256

interface StoredBlob {
  readonly size: number
  readonly chunks: readonly Uint8Array[]
  /** the bytes of the budget for the chunks */
  readonly cost: number
  /** number of repositories that have it */
  owners: number
}

interface Repository {
  readonly blobs: Map<Digest, StoredBlob>
  readonly manifests: Map<Digest, StoredManifest>
  readonly tags: TagTargets
  readonly tagNames: SortedNames
  readonly referrers: Map<Digest, Map<Digest, Descriptor>>
}

/** Keeps everything in memory, each blob once. Refuses what exceeds `maxBytes` with 507. */
export function memoryStorage(maxBytes: number = defaultMemoryBytes()): RegistryStorage {
  return new MemoryStorage(maxBytes)
}

function memoryFull(maxBytes: number): Error {
  const maxMiB = Math.floor(maxBytes / (1024 * 1024))
  return foreignRefusal(
    'STORAGE_FULL',
    507,
    `this registry keeps at most ${maxMiB} MiB in memory; delete images, or start dray serve with a folder`,
  )
}

class MemoryStorage implements RegistryStorage {
  readonly #repositories = new Map<string, Repository>()
  readonly #repositoryNames = new SortedNames()
  readonly #budget: ByteBudget

  constructor(maxBytes: number) {
    this.#budget = new ByteBudget(maxBytes, memoryFull)
  }

  repositories(last: string | undefined, count: number): Promise<readonly string[]> {
    return Promise.resolve(this.#repositoryNames.after(last, count))
  }

  hasRepository(repository: string): Promise<boolean> {
    return Promise.resolve(this.#repositories.has(repository))
  }

  blobSize(repository: string, digest: Digest): Promise<number | undefined> {
    return Promise.resolve(this.#find(repository)?.blobs.get(digest)?.size)
  }

  async *readBlob(
    repository: string,
    digest: Digest,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array, void> {
    const blob = this.#find(repository)?.blobs.get(digest)
    if (blob === undefined) throw new DrayError('not-found', 'the blob does not exist', { subject: digest })
    let at = 0
    for (const chunk of blob.chunks) {
      const from = Math.max(start - at, 0)
      const to = Math.min(end - at, chunk.byteLength)
      if (from < to) yield chunk.subarray(from, to)
      at += chunk.byteLength
      if (at >= end) return
    }
  }

  async mountBlob(digest: Digest, from: string, to: string): Promise<boolean> {
    const blob = this.#find(from)?.blobs.get(digest)
    if (blob !== undefined) this.#putBlob(to, digest, blob)
    return blob !== undefined
  }

  deleteBlob(repository: string, digest: Digest): Promise<boolean> {
    const found = this.#find(repository)
    const blob = found?.blobs.get(digest)
    if (found === undefined || blob === undefined) return Promise.resolve(false)
    found.blobs.delete(digest)
    this.#release(blob)
    return Promise.resolve(true)
  }

  removeAbandoned(): Promise<void> {
    return Promise.resolve()
  }

  openWriter(): Promise<OpenBlob> {
    return Promise.resolve(
      memoryWriter(this.#budget, (repository, digest, blob) => this.#putBlob(repository, digest, blob)),
    )
  }

  manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    return Promise.resolve(this.#find(repository)?.manifests.get(digest))
  }

  async putManifest(repository: string, manifest: StoredManifest, newTags: readonly string[]): Promise<void> {
    const { manifests, referrers, tags, tagNames } = this.#make(repository)
    const old = manifests.get(manifest.digest)
    const addedTags = newTags.filter((tag) => tags.digestOf(tag) === undefined).length
    this.#budget.take(costOf(manifest) + addedTags * entryBytes)
    if (old !== undefined) this.#budget.give(costOf(old))
    manifests.set(manifest.digest, manifest)
    if (manifest.refers !== undefined) {
      const { subject, entry } = manifest.refers
      const list = referrers.get(subject) ?? new Map<Digest, Descriptor>()
      referrers.set(subject, list.set(entry.digest, entry))
    }
    for (const tag of newTags) {
      tags.set(tag, manifest.digest)
      tagNames.add(tag)
    }
  }

  async deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    const found = this.#find(repository)
    const manifest = found?.manifests.get(digest)
    if (found === undefined || manifest === undefined) return false
    found.manifests.delete(digest)
    this.#budget.give(costOf(manifest))
    for (const tag of found.tags.tagsOf(digest)) await this.deleteTag(repository, tag)
    if (manifest.refers !== undefined) {
      const { subject } = manifest.refers
      const list = found.referrers.get(subject)
      list?.delete(digest)
      if (list?.size === 0) found.referrers.delete(subject)
    }
    return true
  }

  async *manifests(repository: string): AsyncGenerator<StoredManifest, void> {
    yield* this.#find(repository)?.manifests.values() ?? []
  }

  async *referrers(repository: string, subject: Digest, last?: string): AsyncGenerator<Descriptor, void> {
    const entries = [...(this.#find(repository)?.referrers.get(subject)?.values() ?? [])]
    const rest = last === undefined ? entries : entries.filter(({ digest }) => digest > last)
    yield* rest.sort((a, b) => byText(a.digest, b.digest))
  }

  tags(repository: string, last?: string, count = Infinity): Promise<readonly string[]> {
    return Promise.resolve(this.#find(repository)?.tagNames.after(last, count) ?? [])
  }

  tagsOf(repository: string, digest: Digest): Promise<readonly string[]> {
    return Promise.resolve(this.#find(repository)?.tags.tagsOf(digest) ?? [])
  }

  tag(repository: string, tag: string): Promise<Digest | undefined> {
    return Promise.resolve(this.#find(repository)?.tags.digestOf(tag))
  }

  deleteTag(repository: string, tag: string): Promise<boolean> {
    const found = this.#find(repository)
    const isGone = found?.tags.delete(tag) ?? false
    if (isGone) {
      found?.tagNames.delete(tag)
      this.#budget.give(entryBytes)
    }
    return Promise.resolve(isGone)
  }

  #putBlob(repository: string, digest: Digest, blob: StoredBlob): void {
    const { blobs } = this.#make(repository)
    const old = blobs.get(digest)
    if (old === blob) return
    this.#budget.take(entryBytes)
    blob.owners++
    blobs.set(digest, blob)
    if (old !== undefined) this.#release(old)
  }

  /** A repository no longer has the blob. */
  #release(blob: StoredBlob): void {
    blob.owners--
    this.#budget.give(entryBytes + (blob.owners === 0 ? blob.cost : 0))
  }

  #find(repository: string): Repository | undefined {
    return this.#repositories.get(repository)
  }

  #make(repository: string): Repository {
    const found = this.#repositories.get(repository)
    if (found !== undefined) return found
    this.#budget.take(repositoryBytes)
    const made: Repository = {
      blobs: new Map(),
      manifests: new Map(),
      tags: new TagTargets(),
      tagNames: new SortedNames(),
      referrers: new Map(),
    }
    this.#repositories.set(repository, made)
    this.#repositoryNames.add(repository)
    return made
  }
}

/** The entry among the referrers repeats the annotations. */
function costOf({ bytes, refers }: StoredManifest): number {
  return refers === undefined ? bytes.byteLength + entryBytes : 2 * bytes.byteLength + 3 * entryBytes
}

function memoryWriter(
  budget: ByteBudget,
  keep: (repository: string, digest: Digest, blob: StoredBlob) => void,
): OpenBlob {
  let chunks: Uint8Array[] = []
  let size = 0
  let cost = 0
  const end = (): void => {
    chunks = []
    cost = 0
  }
  return {
    get size() {
      return size
    },
    append: async (chunk) => {
      const own = chunk.byteLength + chunkBytes
      budget.take(own)
      cost += own
      chunks.push(chunk)
      size += chunk.byteLength
    },
    async *read() {
      yield* chunks
    },
    commit: async (repository, digest) => {
      keep(repository, digest, { size, chunks, cost, owners: 0 })
      end()
    },
    discard: async () => {
      budget.give(cost)
      end()
    },
  }
}
