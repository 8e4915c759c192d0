import { DrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import type { BlobWriter, RegistryStorage, StoredManifest } from './storage.ts'

interface Blob {
  readonly size: number
  readonly chunks: readonly Uint8Array[]
}

interface Repository {
  readonly blobs: Map<Digest, Blob>
  readonly manifests: Map<Digest, StoredManifest>
  readonly tags: Map<string, Digest>
  readonly referrers: Map<Digest, Map<Digest, Descriptor>>
}

/** Keeps everything in the memory of this process; a blob's bytes are held once, however many repositories have it. */
export function memoryStorage(): RegistryStorage {
  return new MemoryStorage()
}

class MemoryStorage implements RegistryStorage {
  readonly #repositories = new Map<string, Repository>()

  repositories(): Promise<readonly string[]> {
    return Promise.resolve([...this.#repositories.keys()])
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
    if (blob === undefined) throw new DrayError('not-found', 'the blob is not there', { subject: digest })
    let at = 0
    for (const chunk of blob.chunks) {
      const from = Math.max(start - at, 0)
      const to = Math.min(end - at, chunk.byteLength)
      if (from < to) yield chunk.subarray(from, to)
      at += chunk.byteLength
      if (at >= end) return
    }
  }

  mountBlob(digest: Digest, from: string, to: string): Promise<boolean> {
    const blob = this.#find(from)?.blobs.get(digest)
    if (blob !== undefined) this.#make(to).blobs.set(digest, blob)
    return Promise.resolve(blob !== undefined)
  }

  deleteBlob(repository: string, digest: Digest): Promise<boolean> {
    return Promise.resolve(this.#find(repository)?.blobs.delete(digest) ?? false)
  }

  openWriter(): Promise<BlobWriter> {
    return Promise.resolve(
      new MemoryWriter((repository, digest, blob) => this.#make(repository).blobs.set(digest, blob)),
    )
  }

  manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    return Promise.resolve(this.#find(repository)?.manifests.get(digest))
  }

  putManifest(repository: string, manifest: StoredManifest, newTags: readonly string[]): Promise<void> {
    const { manifests, referrers, tags } = this.#make(repository)
    manifests.set(manifest.digest, manifest)
    if (manifest.refers !== undefined) {
      const { subject, entry } = manifest.refers
      const list = referrers.get(subject) ?? new Map<Digest, Descriptor>()
      referrers.set(subject, list.set(entry.digest, entry))
    }
    for (const tag of newTags) tags.set(tag, manifest.digest)
    return Promise.resolve()
  }

  deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    const found = this.#find(repository)
    const manifest = found?.manifests.get(digest)
    if (found === undefined || manifest === undefined) return Promise.resolve(false)
    found.manifests.delete(digest)
    for (const [tag, target] of found.tags) if (target === digest) found.tags.delete(tag)
    if (manifest.refers !== undefined) found.referrers.get(manifest.refers.subject)?.delete(digest)
    return Promise.resolve(true)
  }

  async *manifests(repository: string): AsyncGenerator<StoredManifest, void> {
    yield* this.#find(repository)?.manifests.values() ?? []
  }

  referrers(repository: string, subject: Digest): Promise<readonly Descriptor[]> {
    return Promise.resolve([...(this.#find(repository)?.referrers.get(subject)?.values() ?? [])])
  }

  tags(repository: string): Promise<readonly string[]> {
    return Promise.resolve([...(this.#find(repository)?.tags.keys() ?? [])])
  }

  tag(repository: string, tag: string): Promise<Digest | undefined> {
    return Promise.resolve(this.#find(repository)?.tags.get(tag))
  }

  deleteTag(repository: string, tag: string): Promise<boolean> {
    return Promise.resolve(this.#find(repository)?.tags.delete(tag) ?? false)
  }

  #find(repository: string): Repository | undefined {
    return this.#repositories.get(repository)
  }

  #make(repository: string): Repository {
    const found = this.#repositories.get(repository)
    if (found !== undefined) return found
    const made: Repository = {
      blobs: new Map(),
      manifests: new Map(),
      tags: new Map(),
      referrers: new Map(),
    }
    this.#repositories.set(repository, made)
    return made
  }
}

class MemoryWriter implements BlobWriter {
  readonly #keep: (repository: string, digest: Digest, blob: Blob) => void
  #chunks: Uint8Array[] = []
  #size = 0

  constructor(keep: (repository: string, digest: Digest, blob: Blob) => void) {
    this.#keep = keep
  }

  get size(): number {
    return this.#size
  }

  append(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk)
    this.#size += chunk.byteLength
    return Promise.resolve()
  }

  async *read(): AsyncGenerator<Uint8Array, void> {
    yield* this.#chunks
  }

  commit(repository: string, digest: Digest): Promise<void> {
    this.#keep(repository, digest, { size: this.#size, chunks: this.#chunks })
    this.#chunks = []
    return Promise.resolve()
  }

  discard(): Promise<void> {
    this.#chunks = []
    return Promise.resolve()
  }
}
