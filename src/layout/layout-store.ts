import type { Call } from '../lib/call.ts'
import { DrayError, isDrayError } from '../lib/errors.ts'
import { bareDescriptor, type Descriptor } from '../oci/descriptor.ts'
import { algorithmOf, type Digest, digestOf } from '../oci/digest.ts'
import { maxManifestSize, parseManifest } from '../oci/manifest.ts'
import { formatAt, isTag, type RepositoryName, type TagOrDigest } from '../oci/reference.ts'
import { KeyedQueue } from '../images/parallel.ts'
import type {
  BlobSource,
  Capability,
  Known,
  ManifestContent,
  PutManifestResult,
  TargetRepository,
} from '../images/ports.ts'
import {
  blobMissing,
  blobSize,
  readBlob,
  readSmallBlob,
  removeBlob,
  writeBlob,
  writeSmallBlob,
} from './blobs.ts'
import { LayoutFacts } from './facts.ts'
import type { LayoutFolder } from './folder.ts'
import {
  emptyIndex,
  findTag,
  type IndexEntry,
  isBareEntryOf,
  type LayoutIndex,
  onlyEntries,
  tagsOf,
  withEntry,
  withTag,
} from './index-file.ts'

const abilities: Readonly<Record<Capability, Known>> = {
  referrers: 'yes',
  deleteTag: 'yes',
  deleteManifest: 'yes',
  deleteTagged: 'yes',
  freeReads: 'yes',
  mount: 'no',
  manyTags: 'yes',
  chunks: 'yes',
  uploadRange: 'yes',
}

/**
 * An OCI image layout as a repository (image-spec, image-layout.md). Tags are the `ref.name` annotations in `index.json`. A folder that is absent or
 * empty is a repository in which nothing is; the first write makes it a layout. Evidence is what `index.json` lists and whose `subject` says so.
 */
export class LayoutStore implements TargetRepository {
  readonly repository: RepositoryName
  readonly #folder: LayoutFolder
  readonly #facts: LayoutFacts
  /** changes of the list by this process, so that only one of them asks for the lock */
  readonly #changes = new KeyedQueue()

  constructor(repository: RepositoryName, folder: LayoutFolder) {
    this.repository = repository
    this.#folder = folder
    this.#facts = new LayoutFacts(folder)
  }

  async resolve(at: TagOrDigest, call: Call): Promise<Descriptor | undefined> {
    call.signal.throwIfAborted()
    const index = await this.#folder.readIndex()
    if (index === undefined) return undefined
    const d = await this.#descriptor(index, at)
    if (d === undefined) return undefined
    const size = await blobSize(this.#folder, d.digest)
    if (size === undefined) return undefined
    if (size !== d.size) throw this.#wrongSize(d, size)
    return d
  }

  async manifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent> {
    const found = await this.findManifest(at, call)
    if (found !== undefined) return found
    const index = (await this.#folder.readIndex()) ?? emptyIndex
    const digest = 'tag' in at ? findTag(index, at.tag, this.#folder.name)?.digest : at.digest
    if (digest !== undefined) throw blobMissing(this.#folder, digest)
    throw new DrayError('not-found', `there is no ${formatAt(this.repository, at)}`)
  }

  async findManifest(at: TagOrDigest | Descriptor, call: Call): Promise<ManifestContent | undefined> {
    call.signal.throwIfAborted()
    const index = await this.#folder.readIndex()
    if (index === undefined) return undefined
    const d = 'mediaType' in at ? bareDescriptor(at) : await this.#descriptor(index, at)
    if (d === undefined) return undefined
    const bytes = await readSmallBlob(this.#folder, d.digest)
    if (bytes === undefined) return undefined
    if (bytes.byteLength !== d.size) throw this.#wrongSize(d, bytes.byteLength)
    // to look only: schema 1 and what could be read as two images is refused here, as it is over HTTP
    parseManifest(bytes, d.mediaType, formatAt(this.repository, d))
    return { descriptor: d, bytes }
  }

  async hasBlob(d: Descriptor, call: Call): Promise<boolean> {
    call.signal.throwIfAborted()
    return (await blobSize(this.#folder, d.digest)) === d.size
  }

  async blob(d: Descriptor, offset: number, call: Call): Promise<AsyncIterable<Uint8Array>> {
    call.signal.throwIfAborted()
    return await readBlob(this.#folder, d, offset, call)
  }

  /** The names that are tags; a layout may name its entries by any text. */
  async *tags(call: Call): AsyncGenerator<string, void> {
    for await (const page of this.tagPages(call)) yield* page
  }

  async *tagPages(call: Call): AsyncGenerator<readonly string[], void> {
    call.signal.throwIfAborted()
    const index = await this.#folder.readIndex()
    if (index === undefined) {
      throw new DrayError('not-found', `there is no image layout at ${this.#folder.name}`, {
        subject: this.#folder.name,
      })
    }
    yield tagsOf(index)
  }

  async referrers(subject: Digest, call: Call): Promise<readonly Descriptor[]> {
    call.signal.throwIfAborted()
    const index = await this.#folder.readIndex()
    return index === undefined ? [] : await this.#facts.referrers(index, subject)
  }

  capability(name: Capability): Known {
    return abilities[name]
  }

  /** This machine's clock is the only one. */
  clockDifference(): number {
    return 0
  }

  /**
   * What is meant where neither tag nor digest is named: the only image. Evidence and the parts of an index do not count.
   * @throws `not-found` where there is none; `usage`, with their names, where there are several.
   */
  async onlyImage(call: Call): Promise<TagOrDigest> {
    call.signal.throwIfAborted()
    const index = (await this.#folder.readIndex()) ?? emptyIndex
    const roots = await this.#facts.roots(index)
    const [first] = roots
    if (first === undefined) {
      throw new DrayError('not-found', `there is no image in ${this.#folder.name}`, {
        subject: this.#folder.name,
      })
    }
    if (new Set(roots.map((root) => root.descriptor.digest)).size > 1) {
      const names = roots.map((root) => root.name ?? root.descriptor.digest)
      throw new DrayError('usage', `there are ${roots.length} images in ${this.#folder.name}`, {
        why: `they are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`,
        hint: `Name one: oci:${this.#folder.name}:TAG or oci:${this.#folder.name}@DIGEST.`,
      })
    }
    const named = roots.find((root) => root.name !== undefined && isTag(root.name))
    return named?.name === undefined ? { digest: first.descriptor.digest } : { tag: named.name }
  }

  async putBlob(d: Descriptor, from: BlobSource, call: Call): Promise<'uploaded' | 'present'> {
    await this.#folder.create(call.signal)
    return await writeBlob(this.#folder, d, from, call, (bytes) => {
      call.notify({ kind: 'bytes', repository: this.repository, digest: d.digest, bytes })
    })
  }

  async putManifest(
    d: Descriptor,
    bytes: Uint8Array,
    tags: readonly string[],
    call: Call,
  ): Promise<PutManifestResult> {
    this.#checkBytes(d, bytes)
    const { subject } = parseManifest(bytes, d.mediaType, formatAt(this.repository, d))
    await this.#folder.create(call.signal)
    await this.#change(async (index) => {
      // under the lock, so that nobody who deletes it comes between the file and its entry
      await writeSmallBlob(this.#folder, d.digest, bytes)
      const tagged = tags.reduce((changed, tag) => withTag(changed, tag, d), index)
      // A referrer is found by its entry alone; any other manifest needs one only where nothing leads to it.
      const listed =
        subject !== undefined || !(await this.#isReached(tagged, d.digest)) ? withEntry(tagged, d) : tagged
      return await this.#withoutParts(listed, d)
    }, call)
    return { tagged: tags, subjectListed: true }
  }

  /** The list of the layout is the list of referrers. */
  addToFallbackTag(): Promise<'unchanged'> {
    return Promise.resolve('unchanged')
  }

  /** See `addToFallbackTag`. */
  removeFromFallbackTag(): Promise<'unchanged'> {
    return Promise.resolve('unchanged')
  }

  /**
   * Takes every entry of a manifest out of the list, and its own file away. What it consisted of stays on disk, for `umoci gc` and the like.
   * @throws `refused` where it is part of an index that is listed.
   */
  async deleteManifest(digest: Digest, call: Call): Promise<'deleted' | 'absent'> {
    if ((await this.#folder.readIndex()) === undefined) return 'absent'
    let isThere = false
    const unlist = async (index: LayoutIndex): Promise<LayoutIndex> => {
      isThere = (await this.#descriptor(index, { digest })) !== undefined
      const left = onlyEntries(index, (entry) => entry.descriptor.digest !== digest)
      if (await this.#isReached(left, digest)) {
        throw new DrayError('refused', `${digest} is part of an index in ${this.#folder.name}`, {
          subject: digest,
          hint: 'Delete the index first.',
        })
      }
      return left
    }
    // Killed in between, the list is whole and a file too many is left.
    await this.#change(unlist, call, async () => {
      if (isThere) await removeBlob(this.#folder, digest)
    })
    return isThere ? 'deleted' : 'absent'
  }

  /** Takes the entry out of the list; the manifest and all that it consists of stay on disk. */
  async deleteTag(tag: string, call: Call): Promise<'deleted' | 'absent'> {
    if ((await this.#folder.readIndex()) === undefined) return 'absent'
    let result: 'deleted' | 'absent' = 'absent'
    await this.#change((index) => {
      const left = onlyEntries(index, (entry) => entry.name !== tag)
      if (left !== index) result = 'deleted'
      return Promise.resolve(left)
    }, call)
    return result
  }

  async #change(
    change: (index: LayoutIndex) => Promise<LayoutIndex>,
    call: Call,
    afterwards?: () => Promise<void>,
  ): Promise<void> {
    await this.#changes.run('', () => this.#folder.changeIndex(change, call.signal, afterwards))
  }

  async #descriptor(index: LayoutIndex, at: TagOrDigest): Promise<Descriptor | undefined> {
    if ('tag' in at) return findTag(index, at.tag, this.#folder.name)
    const listed = index.entries.find((entry) => entry.descriptor.digest === at.digest)
    return listed === undefined ? await this.#unlisted(at.digest) : bareDescriptor(listed.descriptor)
  }

  /** A manifest that no entry names: its bytes tell what it is, or that it is none. */
  async #unlisted(digest: Digest): Promise<Descriptor | undefined> {
    const size = await blobSize(this.#folder, digest)
    if (size === undefined || size > maxManifestSize) return undefined
    const bytes = await readSmallBlob(this.#folder, digest)
    if (bytes === undefined) return undefined
    try {
      const { mediaType } = parseManifest(bytes, '', formatAt(this.repository, { digest }))
      return { mediaType, digest, size }
    } catch (error) {
      if (isDrayError(error) && error.code === 'malformed') return undefined
      throw error
    }
  }

  async #isReached(index: LayoutIndex, digest: Digest): Promise<boolean> {
    const roots = index.entries.map((entry) => entry.descriptor).filter((d) => d.digest !== digest)
    return (await this.#facts.below(roots)).has(digest)
  }

  /** Children come before their parent and get an entry of their own; once the parent is there, that entry only makes `oci:FOLDER` ambiguous to others. */
  async #withoutParts(index: LayoutIndex, parent: Descriptor): Promise<LayoutIndex> {
    const parts = await this.#facts.below([parent])
    if (parts.size === 0) return index
    const dropped = new Set<IndexEntry>()
    for (const entry of index.entries) {
      const { digest } = entry.descriptor
      if (!parts.has(digest) || !isBareEntryOf(entry, digest)) continue
      if (!(await this.#facts.isReferrer(entry.descriptor))) dropped.add(entry)
    }
    return onlyEntries(index, (entry) => !dropped.has(entry))
  }

  #checkBytes(d: Descriptor, bytes: Uint8Array): void {
    if (bytes.byteLength !== d.size) throw this.#wrongSize(d, bytes.byteLength)
    const is = digestOf(bytes, algorithmOf(d.digest))
    if (is === d.digest) return
    throw new DrayError('corrupt', `the manifest for ${formatAt(this.repository, d)} hashes to ${is}`, {
      subject: d.digest,
    })
  }

  #wrongSize(d: Descriptor, size: number): DrayError {
    return new DrayError('corrupt', `${formatAt(this.repository, d)} is not what its descriptor says`, {
      subject: d.digest,
      why: `it has ${size} bytes, its descriptor says ${d.size}`,
    })
  }
}
