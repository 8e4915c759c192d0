import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { isTempName, newTempName } from './atomic.ts'
import { makeFolders } from './make-folders.ts'
import { encodePack, packedName, readAt, readIndex } from './pack.ts'

/** Bytes and entries that are put before they are written as one pack. */
const batchBytes = 1024 ** 2
const batchEntries = 2000
/** Packs of less than half a batch become one if there are more of them. */
const maxSmallPacks = 16
/** A pack that is used after so long gets a new time. */
const touchMs = 60 * 60_000
/** An unfinished file of this age belongs to a process that died. */
const abandonedMs = 60 * 60_000
const packName = /^[0-9a-f]{24}\.pack$/
const uid = process.geteuid?.()

export interface PackedFolderOptions {
  readonly path: string
  /** bytes that all packs may take; exceeded by up to two batches */
  readonly maxBytes: number
  /** Larger entries, in bytes, are not kept. */
  readonly maxEntryBytes: number
  /** decides which packs were used last */
  readonly clock: Clock
  /**
   * Called once for a folder that cannot be written to. Nothing is kept from then on, and what
   * exists is still read.
   */
  readonly warn: (text: string) => void
}

/** Where an entry is: in memory until its batch is written, then in a pack. */
type Place =
  | { readonly bytes: Uint8Array }
  | { readonly pack: string; readonly offset: number; readonly size: number }

interface PackFile {
  readonly name: string
  readonly size: number
  readonly usedAt: number
}

/**
 * A folder of small entries whose names are hex digits of hashes, many in one file: to create a
 * file for each takes up to half a millisecond of the system (docs/decisions/content-cache.md).
 * Processes share it without a lock: a pack is written once, and is complete or absent. Each
 * process sees the packs that were there when it first asked, and its own. Each one drops the least
 * recently used packs if there are too many. Nothing here throws: what cannot be read is absent,
 * and what cannot be written is not kept. Only the user can read it, because it has content of
 * private repositories.
 */
export class PackedFolder {
  readonly #options: PackedFolderOptions
  readonly #batchBytes: number
  readonly #maxEntryBytes: number
  readonly #touched = new Set<string>()
  #places: Map<string, Place> | undefined
  #batch = new Map<string, Uint8Array>()
  #size = 0
  #isOff = false

  constructor(options: PackedFolderOptions) {
    this.#options = options
    this.#batchBytes = Math.min(batchBytes, options.maxBytes / 8)
    this.#maxEntryBytes = Math.min(options.maxEntryBytes, options.maxBytes / 8)
  }

  get(name: string): Uint8Array | undefined {
    const place = this.#known.get(packedName(name))
    if (place === undefined || 'bytes' in place) return place?.bytes
    return this.#open(place.pack, (file, stats) => {
      if (this.#options.clock.now() - stats.mtimeMs > touchMs) this.#touch(place.pack)
      return readAt(file, place.offset, place.size)
    })
  }

  /** Keeps an entry. It is written with others, at the latest by `flush`. */
  put(name: string, bytes: Uint8Array): void {
    if (this.#isOff || bytes.byteLength > this.#maxEntryBytes) return
    this.#batch.set(packedName(name), bytes)
    this.#known.set(packedName(name), { bytes })
    this.#size += bytes.byteLength
    if (this.#size >= this.#batchBytes || this.#batch.size >= batchEntries) this.flush()
  }

  /** Removes the pack with a damaged entry. */
  remove(name: string): void {
    const place = this.#known.get(packedName(name))
    this.#known.delete(packedName(name))
    if (place === undefined || 'bytes' in place) return
    unlink(join(this.#options.path, place.pack))
    for (const [other, { pack }] of this.#packed()) if (pack === place.pack) this.#known.delete(other)
  }

  /** Writes what was put. */
  flush(): void {
    const batch = this.#batch
    this.#batch = new Map()
    this.#size = 0
    if (batch.size === 0) return
    try {
      this.#write(batch)
      this.#tidy()
    } catch (error) {
      this.#isOff = true
      for (const name of batch.keys()) this.#known.delete(name)
      const why = error instanceof Error ? error.message : String(error)
      this.#options.warn(`cannot write to ${this.#options.path}: ${why}. dray stores nothing more there.`)
    }
  }

  get #known(): Map<string, Place> {
    if (this.#places !== undefined) return this.#places
    this.#places = new Map()
    for (const { name } of this.#packs()) this.#learn(name)
    return this.#places
  }

  #learn(pack: string): void {
    const index = this.#open(pack, (file, { size }) => readIndex(file, size))
    for (const { name, offset, size } of index ?? []) this.#known.set(name, { pack, offset, size })
  }

  *#packed(): Iterable<readonly [string, Exclude<Place, { readonly bytes: Uint8Array }>]> {
    for (const [name, place] of this.#known) if ('pack' in place) yield [name, place]
  }

  /** Returns what `read` returns; undefined if the file is no pack of this user. */
  #open<T>(pack: string, read: (file: number, stats: Stats) => T | undefined): T | undefined {
    try {
      // Does not wait for a pipe and does not follow a link.
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
      const file = openSync(join(this.#options.path, pack), flags)
      try {
        const stats = fstatSync(file)
        // Another user put it there while the folder was open to others.
        const isOwn = stats.isFile() && (uid === undefined || stats.uid === uid)
        return isOwn ? read(file, stats) : undefined
      } finally {
        closeSync(file)
      }
    } catch {
      return undefined
    }
  }

  #touch(pack: string): void {
    if (this.#touched.has(pack)) return
    this.#touched.add(pack)
    const now = this.#options.clock.now() / 1000
    try {
      utimesSync(join(this.#options.path, pack), now, now)
    } catch {
      // The folder is read-only. The process that fills it decides what is old.
    }
  }

  #write(entries: ReadonlyMap<string, Uint8Array>): void {
    const { path, clock } = this.#options
    makeFolders(path, 0o700)
    const temp = newTempName()
    const pack = temp.replace(/^\.dray-(.*)\.tmp$/, '$1.pack')
    const bytes = encodePack(entries)
    const now = clock.now() / 1000
    try {
      const file = openSync(join(path, temp), 'wx', 0o600)
      try {
        for (let at = 0; at < bytes.byteLength;) at += writeSync(file, bytes, at)
        futimesSync(file, now, now)
      } finally {
        closeSync(file)
      }
      renameSync(join(path, temp), join(path, pack))
    } catch (error) {
      unlink(join(path, temp))
      throw error
    }
    this.#learn(pack)
  }

  /** Joins small packs, and drops the least recently used ones until there is some room. */
  #tidy(): void {
    const packs = this.#packs()
    const small = packs.filter(({ size }) => size < this.#batchBytes / 2)
    if (small.length > maxSmallPacks) this.#join(small)
    let total = packs.reduce((sum, { size }) => sum + size, 0)
    if (total <= this.#options.maxBytes) return
    for (const { name, size } of packs.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (total <= this.#options.maxBytes * (7 / 8)) return
      unlink(join(this.#options.path, name))
      total -= size
    }
  }

  #join(packs: readonly PackFile[]): void {
    const entries = new Map<string, Uint8Array>()
    for (const { name } of packs)
      this.#open(name, (file, stats) => {
        for (const entry of readIndex(file, stats.size) ?? []) {
          const bytes = readAt(file, entry.offset, entry.size)
          if (bytes !== undefined) entries.set(entry.name, bytes)
        }
      })
    this.#write(entries)
    for (const { name } of packs) unlink(join(this.#options.path, name))
  }

  /** Returns the packs of all processes, and deletes unfinished files of dead ones. */
  #packs(): readonly PackFile[] {
    const { path, clock } = this.#options
    return namesIn(path).flatMap((name) => {
      if (!packName.test(name) && !isTempName(name)) return []
      const stats = lstatSync(join(path, name), { throwIfNoEntry: false })
      if (stats?.isFile() !== true) return []
      if (packName.test(name)) return [{ name, size: stats.size, usedAt: stats.mtimeMs }]
      if (clock.now() - stats.mtimeMs > abandonedMs) unlink(join(path, name))
      return []
    })
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** Another process may have been quicker. */
function unlink(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // The file stays.
  }
}
