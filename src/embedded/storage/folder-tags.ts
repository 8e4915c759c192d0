import { type Digest, isDigest } from '../../oci/digest.ts'
import { DrayError } from '../../lib/errors.ts'
import { isTag } from '../../oci/reference.ts'
import { Turns } from '../turns.ts'
import { folderStamp, listNames, readManySmall, readSmall, remove } from './folder-files.ts'
import type { FolderLayout } from './folder-layout.ts'
import { SortedNames } from './sorted-names.ts'
import { TagTargets } from './tag-targets.ts'

/** Tags of all repositories that are kept in memory, a few hundred bytes each. */
const maxKeptTags = 500_000

const maxTagBytes = 1024

/** The known tags of a repository. */
interface KnownTags {
  /** of the folder when the names were read, or after the last change by this process */
  stamp: string
  readonly names: SortedNames
  /** read when it is first needed */
  targets: TagTargets | undefined
  /** its part of the tags that are kept */
  kept: number
}

/**
 * The tags of the repositories in a folder. The files are authoritative. The names and targets are
 * also kept in memory, so that a delete of a manifest does not read every tag, and a page of tags
 * does not list all of them. If another process or a person adds or removes a tag, the folder has
 * another time, and the memory is dropped.
 */
export class FolderTags {
  readonly #layout: FolderLayout
  readonly #write: (path: string, content: string) => Promise<void>
  /** by repository, the one that was used last at the end */
  readonly #known = new Map<string, KnownTags>()
  /** by repository */
  readonly #turns = new Turns()
  readonly #maxKept: number
  #kept = 0

  /** @param write writes a file atomically */
  constructor(
    layout: FolderLayout,
    write: (path: string, content: string) => Promise<void>,
    maxKept = maxKeptTags,
  ) {
    this.#layout = layout
    this.#write = write
    this.#maxKept = maxKept
  }

  /** At most `count` tags after `last`, in ASCII order. */
  after(repository: string, last: string | undefined, count: number): Promise<readonly string[]> {
    return this.#turns.run(repository, async () => (await this.#read(repository)).names.after(last, count))
  }

  /** The digest of a tag, or undefined. @throws `corrupt`. */
  async digestOf(repository: string, tag: string): Promise<Digest | undefined> {
    const path = this.#layout.tag(repository, tag)
    const bytes = await readSmall(path, maxTagBytes)
    return bytes === undefined ? undefined : parseTag(bytes, path)
  }

  /** The tags of a digest, unordered. @throws `corrupt` if a tag of the repository is damaged. */
  tagsOf(repository: string, digest: Digest): Promise<readonly string[]> {
    return this.#turns.run(repository, async () => {
      const known = await this.#read(repository)
      known.targets ??= await this.#readTargets(repository, known.names)
      const on: string[] = []
      for (const tag of known.targets.tagsOf(digest)) {
        // A person may have edited the file, which does not change the time of the folder.
        if ((await this.digestOf(repository, tag)) === digest) on.push(tag)
      }
      return on
    })
  }

  put(repository: string, tag: string, digest: Digest): Promise<void> {
    return this.#change(
      repository,
      () => this.#write(this.#layout.tag(repository, tag), digest),
      ({ names, targets }) => {
        names.add(tag)
        targets?.set(tag, digest)
      },
    )
  }

  /** False if it did not exist. */
  delete(repository: string, tag: string): Promise<boolean> {
    return this.#change(
      repository,
      () => remove(this.#layout.tag(repository, tag)),
      ({ names, targets }) => {
        names.delete(tag)
        targets?.delete(tag)
      },
    )
  }

  #change<T>(repository: string, act: () => Promise<T>, update: (known: KnownTags) => void): Promise<T> {
    return this.#turns.run(repository, async () => {
      const known = this.#known.get(repository)
      const folder = this.#layout.tagFolder(repository)
      const isCurrent = known !== undefined && (await folderStamp(folder)) === known.stamp
      // If the change fails, it is not known what the folder has.
      this.#forget(repository)
      const result = await act()
      if (!isCurrent) return result
      update(known)
      known.stamp = (await folderStamp(folder)) ?? ''
      this.#keep(repository, known)
      return result
    })
  }

  async #read(repository: string): Promise<KnownTags> {
    const folder = this.#layout.tagFolder(repository)
    const stamp = (await folderStamp(folder)) ?? ''
    const known = this.#known.get(repository)
    const isCurrent = known?.stamp === stamp && stamp !== ''
    const current: KnownTags = isCurrent
      ? known
      : {
          stamp,
          names: new SortedNames((await listNames(folder)).filter(isTag)),
          targets: undefined,
          kept: 0,
        }
    this.#keep(repository, current)
    return current
  }

  async #readTargets(repository: string, names: SortedNames): Promise<TagTargets> {
    const targets = new TagTargets()
    const folder = this.#layout.tagFolder(repository)
    for await (const [tag, bytes] of readManySmall(folder, names.after(undefined, names.size), maxTagBytes)) {
      targets.set(tag, parseTag(bytes, this.#layout.tag(repository, tag)))
    }
    return targets
  }

  /** Keeps the tags of a repository, and drops those that were not used for the longest time. */
  #keep(repository: string, known: KnownTags): void {
    this.#forget(repository)
    known.kept = known.names.size + 1
    this.#kept += known.kept
    this.#known.set(repository, known)
    for (const oldest of this.#known.keys()) {
      if (this.#kept <= this.#maxKept || oldest === repository) return
      this.#forget(oldest)
    }
  }

  #forget(repository: string): void {
    this.#kept -= this.#known.get(repository)?.kept ?? 0
    this.#known.delete(repository)
  }
}

function parseTag(bytes: Uint8Array, path: string): Digest {
  const digest = Buffer.from(bytes).toString()
  if (isDigest(digest)) return digest
  throw new DrayError('corrupt', `${path} does not contain a digest`, { subject: path })
}
