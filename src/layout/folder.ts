import { lstat, mkdir, readdir, realpath, rm } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { DrayError } from '../lib/errors.ts'
import { isTempName, makeFolder, syncFolder, writeFileAtomic } from '../lib/files/atomic.ts'
import { ioError, systemCode } from '../lib/files/io-error.ts'
import { withLock } from '../lib/files/lock.ts'
import { readFileBounded } from '../lib/files/read.ts'
import { algorithmOf, type Digest, encodedOf } from '../oci/digest.ts'
import { isRecord, parseJson } from '../oci/json.ts'
import { maxManifestSize } from '../oci/manifest.ts'
import { emptyIndex, type LayoutIndex, parseLayoutIndex, printLayoutIndex } from './index-file.ts'

const markerName = 'oci-layout'
const indexName = 'index.json'
const lockName = '.dray.lock'
const layoutVersion = '1.0.0'
const maxMarkerSize = 4096
/** An unfinished file that nobody has written to for so long is a crash's. */
const abandonedMs = 24 * 3600 * 1000

/**
 * The folder of an image layout (image-spec, image-layout.md): its marker, its list and the paths of its blobs. No path that it gives leads out of
 * the folder, whatever symbolic links stand in it; the folder itself may be reached by one.
 */
export class LayoutFolder {
  /** as it was named, for messages */
  readonly name: string
  readonly #path: string
  readonly #clock: Clock
  #created: Promise<void> | undefined

  constructor(name: string, cwd: string, clock: Clock) {
    this.name = name
    this.#path = resolve(cwd, name)
    this.#clock = clock
  }

  /** The list; undefined where there is no folder, or an empty one. @throws `malformed`, `unsupported`, `refused`, `io`. */
  async readIndex(): Promise<LayoutIndex | undefined> {
    const root = await this.#root()
    if (root === undefined || !(await this.#checkMarker(root))) return undefined
    const bytes = await this.#read(root, indexName, maxManifestSize)
    if (bytes !== undefined) return parseLayoutIndex(bytes, join(this.name, indexName))
    if (await this.#hasNoBlobs(root)) return undefined
    throw new DrayError('malformed', `the image layout ${this.name} has no ${indexName}`, {
      subject: this.name,
      hint: 'Its list of images is lost. Make the layout again, or restore the file.',
    })
  }

  /**
   * Reads the list, changes it and writes it, and then does what hangs on it, while no other process does. Where `change` gives the same index
   * back, nothing is written.
   */
  async changeIndex(
    change: (index: LayoutIndex) => Promise<LayoutIndex>,
    signal: AbortSignal,
    afterwards: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    await this.create(signal)
    const root = await this.#existingRoot()
    await withLock(join(root, lockName), { clock: this.#clock }, signal, async (lock) => {
      const before = (await this.readIndex()) ?? emptyIndex
      const after = await change(before)
      signal.throwIfAborted()
      await lock.check()
      if (after !== before) await this.#writeIndex(root, after)
      await afterwards()
    })
  }

  /** Makes the layout where there is no folder or an empty one. @throws `malformed` for a folder with other things in it. */
  async create(signal: AbortSignal): Promise<void> {
    this.#created ??= this.#create(signal)
    try {
      await this.#created
    } catch (error) {
      this.#created = undefined
      throw error
    }
  }

  /** Where a blob stands or would stand; undefined where the folder for it is not there. @throws `refused` where a link leads out. */
  async blobPath(digest: Digest): Promise<string | undefined> {
    const root = await this.#root()
    if (root === undefined) return undefined
    const folder = await this.#inside(root, join(root, 'blobs', algorithmOf(digest)))
    if (folder === undefined) return undefined
    const path = join(folder, encodedOf(digest))
    return (await this.#inside(root, path)) ?? path
  }

  /** Like `blobPath`, and makes the folders for it; `temp` is where unfinished files belong. */
  async writableBlobPath(digest: Digest): Promise<{ path: string; temp: string }> {
    const root = await this.#existingRoot()
    let folder = root
    for (const name of ['blobs', algorithmOf(digest)])
      folder = await this.#makeInside(root, join(folder, name))
    return { path: join(folder, encodedOf(digest)), temp: root }
  }

  async #create(signal: AbortSignal): Promise<void> {
    await makeFolder(this.#path)
    const root = await this.#existingRoot()
    // before the lock leaves its file in a folder that is somebody else's
    if (await this.#isWhole(root)) return
    await withLock(join(root, lockName), { clock: this.#clock }, signal, async () => {
      if (await this.#isWhole(root)) return
      // The marker comes first: what a crash leaves behind is then known as ours, and the next run goes on.
      await writeFileAtomic(join(root, markerName), JSON.stringify({ imageLayoutVersion: layoutVersion }))
      await this.#makeInside(root, join(root, 'blobs'))
      await writeFileAtomic(join(root, indexName), printLayoutIndex(emptyIndex))
    })
  }

  async #writeIndex(root: string, index: LayoutIndex): Promise<void> {
    const text = printLayoutIndex(index)
    if (Buffer.byteLength(text) > maxManifestSize) {
      const name = join(this.name, indexName)
      throw new DrayError('refused', `${name} would be larger than ${maxManifestSize} bytes`)
    }
    await writeFileAtomic(join(root, indexName), text)
  }

  async #isWhole(root: string): Promise<boolean> {
    await this.#removeAbandoned(root)
    return (await this.readIndex()) !== undefined
  }

  /** The real path of the folder; undefined where it is not there. */
  async #root(): Promise<string | undefined> {
    try {
      return await realpath(this.#path)
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return undefined
      throw ioError(cause, `the image layout ${this.name} cannot be read`, this.#path)
    }
  }

  async #existingRoot(): Promise<string> {
    const root = await this.#root()
    if (root !== undefined) return root
    throw new DrayError('not-found', `there is no image layout at ${this.name}`, { subject: this.name })
  }

  /** True for a layout of a version that is known, false for an empty folder. */
  async #checkMarker(root: string): Promise<boolean> {
    const where = join(this.name, markerName)
    const bytes = await this.#read(root, markerName, maxMarkerSize)
    if (bytes === undefined) {
      const names = await this.#list(root)
      if (names.every((name) => isTempName(name) || name.startsWith(lockName))) return false
      throw new DrayError(
        'malformed',
        `${this.name} is not an image layout: it has no file "${markerName}"`,
        {
          subject: this.name,
          hint: 'Name the folder of a layout; to write a new one, name an empty folder or one that is not there yet.',
        },
      )
    }
    const marker = parseJson(bytes, where)
    const version = isRecord(marker) ? marker['imageLayoutVersion'] : undefined
    if (typeof version !== 'string') throw new DrayError('malformed', `${where} has no imageLayoutVersion`)
    if (!/^1\.\d+\.\d+$/.test(version)) {
      const said = JSON.stringify(version.slice(0, 50))
      throw new DrayError('unsupported', `${where} says version ${said}; dray reads version 1`, {
        subject: this.name,
      })
    }
    return true
  }

  /** A layout of ours that a crash cut off at its birth: marked, and nothing in it. */
  async #hasNoBlobs(root: string): Promise<boolean> {
    const blobs = await this.#inside(root, join(root, 'blobs'))
    return blobs === undefined || (await this.#list(blobs)).length === 0
  }

  async #removeAbandoned(root: string): Promise<void> {
    const isLeft = (name: string): boolean => isTempName(name) || name.startsWith(`${lockName}.`)
    for (const name of (await this.#list(root)).filter(isLeft)) {
      const path = join(root, name)
      const stat = await lstat(path).catch(() => undefined)
      if (stat === undefined || this.#clock.now() - stat.mtimeMs < abandonedMs) continue
      await rm(path, { force: true }).catch(() => undefined)
    }
  }

  async #list(folder: string): Promise<readonly string[]> {
    try {
      return await readdir(folder)
    } catch (cause) {
      throw ioError(cause, `${this.name} cannot be read`, folder)
    }
  }

  async #read(root: string, name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const path = await this.#inside(root, join(root, name))
    return path === undefined ? undefined : await readFileBounded(path, maxBytes, { followLinks: false })
  }

  /** The real path of something in the folder; undefined where it is not there. @throws `refused` where it is somewhere else. */
  async #inside(root: string, path: string): Promise<string | undefined> {
    let real: string
    try {
      real = await realpath(path)
    } catch (cause) {
      const code = systemCode(cause)
      if (code === 'ENOENT') return undefined
      throw ioError(cause, `${path} cannot be read`, path)
    }
    if (real.startsWith(root.endsWith(sep) ? root : root + sep)) return real
    throw new DrayError('refused', `${path} leads out of the image layout ${this.name}`, {
      subject: path,
      why: `it is a symbolic link to ${real}`,
      hint: 'A layout has to be whole in itself. Put the content in the place of the link.',
    })
  }

  async #makeInside(root: string, path: string): Promise<string> {
    const there = await this.#inside(root, path)
    if (there !== undefined) return there
    try {
      await mkdir(path)
      await syncFolder(dirname(path))
    } catch (cause) {
      if (systemCode(cause) !== 'EEXIST') throw ioError(cause, `the folder ${path} cannot be made`, path)
    }
    const made = await this.#inside(root, path)
    if (made !== undefined) return made
    throw new DrayError('refused', `${path} is a symbolic link that leads nowhere`, { subject: path })
  }
}
