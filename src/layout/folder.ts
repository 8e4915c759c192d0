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

const layoutFileName = 'oci-layout'
const indexName = 'index.json'
const lockName = '.dray.lock'
const layoutVersion = '1.0.0'
const maxLayoutFileSize = 4096
/** An unfinished file that was not written to for this time belongs to a process that crashed. */
const abandonedMs = 24 * 3600 * 1000

/**
 * The folder of an image layout (image-spec, image-layout.md): its `oci-layout` file, its
 * `index.json` and the paths of its blobs. No returned path leads out of the folder, also not by a
 * symbolic link. The folder itself may be one.
 */
export class LayoutFolder {
  /** the given name, for messages */
  readonly name: string
  readonly #path: string
  readonly #clock: Clock
  #created: Promise<void> | undefined

  constructor(name: string, cwd: string, clock: Clock) {
    this.name = name
    this.#path = resolve(cwd, name)
    this.#clock = clock
  }

  /**
   * Returns undefined if the folder is absent or empty.
   * @throws `malformed`, `unsupported`, `refused`, `io`.
   */
  async readIndex(): Promise<LayoutIndex | undefined> {
    const root = await this.#root()
    if (root === undefined || !(await this.#checkLayoutFile(root))) return undefined
    const bytes = await this.#read(root, indexName, maxManifestSize)
    if (bytes !== undefined) return parseLayoutIndex(bytes, join(this.name, indexName))
    if (await this.#hasNoBlobs(root)) return undefined
    throw new DrayError('malformed', `the image layout ${this.name} has no ${indexName}`, {
      subject: this.name,
      hint: 'Create the layout again, or restore the file.',
    })
  }

  /**
   * Reads, changes and writes the index and then calls `afterwards`, under a lock against other
   * processes. If `change` returns the same object, nothing is written.
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

  /**
   * Creates the layout if the folder is absent or empty.
   * @throws `malformed` if it has other files.
   */
  async create(signal: AbortSignal): Promise<void> {
    this.#created ??= this.#create(signal)
    try {
      await this.#created
    } catch (error) {
      this.#created = undefined
      throw error
    }
  }

  /**
   * Returns the path of a blob, which may be absent, or undefined if its folder is absent.
   * @throws `refused` if a symbolic link leads out of the layout.
   */
  async blobPath(digest: Digest): Promise<string | undefined> {
    const root = await this.#root()
    if (root === undefined) return undefined
    const folder = await this.#inside(root, join(root, 'blobs', algorithmOf(digest)))
    if (folder === undefined) return undefined
    const path = join(folder, encodedOf(digest))
    return (await this.#inside(root, path)) ?? path
  }

  /**
   * Returns the path of a blob and creates its folders. `temp` is the folder for unfinished files.
   */
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
    // This check comes before the lock, so that no lock file is written to a folder with other
    // files.
    if (await this.#isComplete(root)) return
    await withLock(join(root, lockName), { clock: this.#clock }, signal, async () => {
      if (await this.#isComplete(root)) return
      // The `oci-layout` file is written first, so that the next run recognises and completes a
      // layout after a crash.
      await writeFileAtomic(join(root, layoutFileName), JSON.stringify({ imageLayoutVersion: layoutVersion }))
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

  async #isComplete(root: string): Promise<boolean> {
    await this.#removeAbandoned(root)
    return (await this.readIndex()) !== undefined
  }

  /** Returns the real path of the folder, or undefined if it is absent. */
  async #root(): Promise<string | undefined> {
    try {
      return await realpath(this.#path)
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return undefined
      throw ioError(cause, `cannot read the image layout ${this.name}`, this.#path)
    }
  }

  async #existingRoot(): Promise<string> {
    const root = await this.#root()
    if (root !== undefined) return root
    throw new DrayError('not-found', `the image layout ${this.name} does not exist`, {
      subject: this.name,
    })
  }

  /** Returns true for a layout of a known version, and false for an empty folder. */
  async #checkLayoutFile(root: string): Promise<boolean> {
    const where = join(this.name, layoutFileName)
    const bytes = await this.#read(root, layoutFileName, maxLayoutFileSize)
    if (bytes === undefined) {
      const names = await this.#list(root)
      if (names.every((name) => isTempName(name) || name.startsWith(lockName))) return false
      throw new DrayError(
        'malformed',
        `${this.name} is not an image layout: it has no file "${layoutFileName}"`,
        {
          subject: this.name,
          hint: 'Name the folder of a layout. To create a layout, name an empty or a new folder.',
        },
      )
    }
    const layoutFile = parseJson(bytes, where)
    const version = isRecord(layoutFile) ? layoutFile['imageLayoutVersion'] : undefined
    if (typeof version !== 'string') throw new DrayError('malformed', `${where} has no imageLayoutVersion`)
    if (!/^1\.\d+\.\d+$/.test(version)) {
      const shown = JSON.stringify(version.slice(0, 50))
      throw new DrayError('unsupported', `${where} has the version ${shown}; dray reads version 1`, {
        subject: this.name,
      })
    }
    return true
  }

  /** Returns true for a layout that has only its `oci-layout` file, after a crash. */
  async #hasNoBlobs(root: string): Promise<boolean> {
    const blobs = await this.#inside(root, join(root, 'blobs'))
    return blobs === undefined || (await this.#list(blobs)).length === 0
  }

  async #removeAbandoned(root: string): Promise<void> {
    const isUnfinished = (name: string): boolean => isTempName(name) || name.startsWith(`${lockName}.`)
    for (const name of (await this.#list(root)).filter(isUnfinished)) {
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
      throw ioError(cause, `cannot read ${this.name}`, folder)
    }
  }

  async #read(root: string, name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const path = await this.#inside(root, join(root, name))
    return path === undefined ? undefined : await readFileBounded(path, maxBytes, { followLinks: false })
  }

  /**
   * Returns the real path, or undefined if it is absent.
   * @throws `refused` if it is not in the folder.
   */
  async #inside(root: string, path: string): Promise<string | undefined> {
    let real: string
    try {
      real = await realpath(path)
    } catch (cause) {
      const code = systemCode(cause)
      if (code === 'ENOENT') return undefined
      throw ioError(cause, `cannot read ${path}`, path)
    }
    if (real.startsWith(root.endsWith(sep) ? root : root + sep)) return real
    throw new DrayError('refused', `${path} is outside of the image layout ${this.name}`, {
      subject: path,
      why: `it is a symbolic link to ${real}`,
      hint: 'Replace the link with the content. A layout must contain all of its content.',
    })
  }

  async #makeInside(root: string, path: string): Promise<string> {
    const existing = await this.#inside(root, path)
    if (existing !== undefined) return existing
    try {
      await mkdir(path)
      await syncFolder(dirname(path))
    } catch (cause) {
      if (systemCode(cause) !== 'EEXIST') throw ioError(cause, `cannot create the folder ${path}`, path)
    }
    const made = await this.#inside(root, path)
    if (made !== undefined) return made
    throw new DrayError('refused', `${path} is a symbolic link to a path that does not exist`, {
      subject: path,
    })
  }
}
