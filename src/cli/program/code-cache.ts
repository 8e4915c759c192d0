import { hash, randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { explainForeignWriters } from '../../lib/files/ownership.ts'
import { privateFolder } from '../../lib/files/private-folder.ts'
import { type ProcessEnvironment, homeFolder, inside, userFolder } from '../../lib/files/user-folders.ts'

/** The most versions of dray and Node of which code is kept. */
const maxFolders = 3
/** Bytes of the end of a file: the number of modules, and the hash of all before it (SHA-256). */
const [countBytes, hashBytes] = [4, 32]

/** Compiled code, and the number of modules of the bundle that have run with it. */
interface CachedCode {
  readonly data: Buffer
  readonly modules: number
}

/**
 * The compiled code of one command, in a private folder of the user. V8 executes it without a check
 * of its content, so nothing of another user and nothing damaged is read. A folder belongs to one
 * bundle and one Node.
 */
export class CodeCache {
  readonly #file: string
  readonly #uid: number | undefined

  private constructor(file: string, uid: number | undefined) {
    this.#file = file
    this.#uid = uid
  }

  /**
   * Returns undefined if the user has no private folder. @param version of the bundle and of Node
   * @param name of the command, as in a file name
   */
  static open(version: string, name: string, env: ProcessEnvironment): CodeCache | undefined {
    const cache = userFolder('cache', env)
    if (cache === undefined) return undefined
    const uid = process.geteuid?.()
    const folder = inside(inside(cache, 'compile-cache'), version)
    const found = privateFolder(folder, { uid, home: homeFolder(env), create: true })
    return 'fault' in found ? undefined : new CodeCache(join(found.path, name), uid)
  }

  /** Returns undefined if there is no file, if it is damaged or another user could write to it. */
  read(): CachedCode | undefined {
    try {
      const descriptor = openSync(this.#file, constants.O_RDONLY | constants.O_NOFOLLOW)
      try {
        const stats = fstatSync(descriptor)
        const isOwn = this.#uid === undefined || explainForeignWriters(stats, [this.#uid]) === undefined
        return stats.isFile() && isOwn ? parse(readFileSync(descriptor)) : undefined
      } finally {
        closeSync(descriptor)
      }
    } catch {
      return undefined
    }
  }

  /** Does nothing if the file cannot be written: dray runs without it. */
  write({ data, modules }: CachedCode): void {
    const count = Buffer.alloc(countBytes)
    count.writeUInt32LE(modules)
    const content = Buffer.concat([data, count])
    const bytes = Buffer.concat([content, hash('sha256', content, 'buffer')])
    const temporary = `${this.#file}.${randomUUID()}`
    try {
      writeFileSync(temporary, bytes, { mode: 0o600, flag: 'wx' })
      renameSync(temporary, this.#file)
      removeOldFolders(dirname(this.#file))
    } catch {
      removeIfPossible(temporary)
    }
  }
}

/** The process is ending, and an exception would change its exit code. */
function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true })
  } catch {
    // A folder that cannot be written to has no such file.
  }
}

function parse(bytes: Buffer): CachedCode | undefined {
  if (bytes.length <= countBytes + hashBytes) return undefined
  const content = bytes.subarray(0, -hashBytes)
  // Most commands load this module of Node anyway, unlike the one with faster checksums.
  if (!hash('sha256', content, 'buffer').equals(bytes.subarray(-hashBytes))) return undefined
  const end = content.length - countBytes
  return { data: content.subarray(0, end), modules: content.readUInt32LE(end) }
}

/** Keeps the folders of the versions that were written last. */
function removeOldFolders(current: string): void {
  const parent = dirname(current)
  const others = readdirSync(parent)
    .filter((name) => name !== basename(current))
    .map((name) => join(parent, name))
    .map((path) => ({ path, at: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .toSorted((a, b) => b.at - a.at)
  for (const { path } of others.slice(maxFolders - 1)) rmSync(path, { recursive: true, force: true })
}
