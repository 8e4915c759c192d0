import { createReadStream } from 'node:fs'
import { open, realpath, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { makeFolder, moveToFinalPath } from '../../lib/files/atomic.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { maxManifestSize } from '../../oci/manifest.ts'
import { checkFolderOf, readRange, readSmall, remove, sizeOf, writeWhole } from './folder-files.ts'
import { FolderLayout, prepareFolder, removeOldUploads } from './folder-layout.ts'
import { FolderTags } from './folder-tags.ts'
import { parseRecord, writeRecord } from './manifest-record.ts'
import type { OpenBlob, RegistryStorage, StoredManifest } from './storage.ts'
import { storing } from './storage-failure.ts'
import { Turns } from '../turns.ts'

/** A record repeats the annotations of a manifest, so it is only a little larger. */
const maxRecordSize = maxManifestSize + 64 * 1024

/**
 * Keeps everything in a folder, which `FolderLayout` describes, and creates it if it is missing.
 * After a 201, content survives a crash, and a crash leaves no partial blob, manifest or tag: each
 * file is written elsewhere, synced and renamed, and content is stored before its references. Blobs
 * are streamed. Only one process at a time may use a folder. @throws `refused` for a folder with
 * other content; `io`.
 */
export async function folderStorage(
  folder: string,
  options: { readonly clock?: Clock } = {},
): Promise<RegistryStorage> {
  await makeFolder(folder)
  const layout = new FolderLayout(await realpath(folder))
  await prepareFolder(layout, options.clock ?? systemClock)
  return new FolderStorage(layout)
}

class FolderStorage implements RegistryStorage {
  readonly #layout: FolderLayout
  /** changes of manifests and tags, by repository */
  readonly #turns = new Turns()
  readonly #tags: FolderTags
  /** the ids of open writers */
  readonly #openUploads = new Set<string>()

  constructor(layout: FolderLayout) {
    this.#layout = layout
    this.#tags = new FolderTags(layout, (path, content) => this.#write(path, content))
  }

  async repositories(last: string | undefined, count: number): Promise<readonly string[]> {
    const found: string[] = []
    if (count === 0) return found
    for await (const repository of this.#layout.repositories(last)) {
      if (found.push(repository) >= count) break
    }
    return found
  }

  hasRepository(repository: string): Promise<boolean> {
    return this.#layout.hasRepository(repository)
  }

  async blobSize(repository: string, digest: Digest): Promise<number | undefined> {
    const link = await sizeOf(this.#layout.blobLink(repository, digest))
    return link === undefined ? undefined : sizeOf(this.#layout.content(digest))
  }

  async *readBlob(
    _repository: string,
    digest: Digest,
    start: number,
    end: number,
  ): AsyncGenerator<Uint8Array, void> {
    if (start >= end) return
    yield* readRange(this.#layout.content(digest), start, end)
  }

  async mountBlob(digest: Digest, from: string, to: string): Promise<boolean> {
    if ((await this.blobSize(from, digest)) === undefined) return false
    await storing(() => this.#write(this.#layout.blobLink(to, digest), ''))
    return true
  }

  deleteBlob(repository: string, digest: Digest): Promise<boolean> {
    return storing(() => remove(this.#layout.blobLink(repository, digest)))
  }

  async removeAbandoned(before: number): Promise<void> {
    await removeOldUploads(this.#layout, before, this.#openUploads)
  }

  openWriter(id: string): Promise<OpenBlob> {
    return storing(async () => {
      const path = this.#layout.upload(id)
      await checkFolderOf(path)
      return await folderWriter(path, {
        begin: () => this.#openUploads.add(id),
        keep: (repository, digest) => this.#keepBlob(path, repository, digest),
        end: () => this.#openUploads.delete(id),
      })
    })
  }

  /**
   * The link comes first: if the disk is too full for it, the content does not stay without one. A
   * link without content is no blob.
   */
  async #keepBlob(upload: string, repository: string, digest: Digest): Promise<void> {
    await this.#write(this.#layout.blobLink(repository, digest), '')
    const content = this.#layout.content(digest)
    await checkFolderOf(content)
    await makeFolder(dirname(content))
    await moveToFinalPath(upload, content)
  }

  async manifest(repository: string, digest: Digest): Promise<StoredManifest | undefined> {
    const record = await readSmall(this.#layout.manifestRecord(repository, digest), maxRecordSize)
    if (record === undefined) return undefined
    const bytes = await readSmall(this.#layout.content(digest), maxManifestSize)
    return bytes === undefined ? undefined : { ...parseRecord(record, digest), digest, bytes }
  }

  putManifest(repository: string, manifest: StoredManifest, tags: readonly string[]): Promise<void> {
    return this.#change(repository, async () => {
      const { digest, refers } = manifest
      await this.#write(this.#layout.content(digest), manifest.bytes)
      if (refers !== undefined) {
        await this.#write(this.#layout.referrerLink(repository, refers.subject, digest), '')
      }
      await this.#write(this.#layout.manifestRecord(repository, digest), writeRecord(manifest))
      for (const tag of tags) await this.#tags.put(repository, tag, digest)
    })
  }

  deleteManifest(repository: string, digest: Digest): Promise<boolean> {
    return this.#change(repository, async () => {
      const found = await this.manifest(repository, digest)
      if (found === undefined) return false
      for (const tag of await this.#tags.tagsOf(repository, digest)) await this.#tags.delete(repository, tag)
      const deleted = await remove(this.#layout.manifestRecord(repository, digest))
      if (found.refers !== undefined) {
        await remove(this.#layout.referrerLink(repository, found.refers.subject, digest))
      }
      return deleted
    })
  }

  async *manifests(repository: string): AsyncGenerator<StoredManifest, void> {
    for (const digest of await this.#layout.manifests(repository)) {
      const found = await this.manifest(repository, digest)
      if (found !== undefined) yield found
    }
  }

  async *referrers(repository: string, subject: Digest, last?: string): AsyncGenerator<Descriptor, void> {
    for (const digest of await this.#layout.referrers(repository, subject, last)) {
      const record = await readSmall(this.#layout.manifestRecord(repository, digest), maxRecordSize)
      const entry = record === undefined ? undefined : parseRecord(record, digest).refers?.entry
      if (entry !== undefined) yield entry
    }
  }

  tags(repository: string, last?: string, count = Infinity): Promise<readonly string[]> {
    return this.#tags.after(repository, last, count)
  }

  tagsOf(repository: string, digest: Digest): Promise<readonly string[]> {
    return this.#tags.tagsOf(repository, digest)
  }

  tag(repository: string, tag: string): Promise<Digest | undefined> {
    return this.#tags.digestOf(repository, tag)
  }

  deleteTag(repository: string, tag: string): Promise<boolean> {
    return this.#change(repository, () => this.#tags.delete(repository, tag))
  }

  #change<T>(repository: string, act: () => Promise<T>): Promise<T> {
    return this.#turns.run(repository, () => storing(act))
  }

  #write(path: string, content: Uint8Array | string): Promise<void> {
    return writeWhole(path, content, this.#layout.uploads)
  }
}

interface WriterSteps {
  /** called when the file of the writer exists */
  readonly begin: () => void
  /** moves the file into place and adds the blob to the repository */
  readonly keep: (repository: string, digest: Digest) => Promise<void>
  /** called when the file of the writer is gone */
  readonly end: () => void
}

async function folderWriter(path: string, { begin, keep, end }: WriterSteps): Promise<OpenBlob> {
  const handle = await open(path, 'wx')
  begin()
  let size = 0
  let isOpen = true
  const close = async (): Promise<void> => {
    if (!isOpen) return
    isOpen = false
    await handle.close()
  }
  return {
    get size() {
      return size
    },
    append: (chunk) =>
      storing(async () => {
        // A part of the chunk may be written before the disk is full. It is overwritten then.
        for (let done = 0; done < chunk.byteLength;) {
          done += (await handle.write(chunk, done, chunk.byteLength - done, size + done)).bytesWritten
        }
        size += chunk.byteLength
      }),
    read: () => createReadStream(path, { end: size - 1 }) as AsyncIterable<Buffer>,
    commit: (repository, digest) =>
      storing(async () => {
        await close()
        await keep(repository, digest)
      }),
    discard: async () => {
      // A file that cannot be removed now is removed when it is old.
      await close().catch(() => undefined)
      await rm(path, { force: true }).catch(() => undefined)
      end()
    },
  }
}
