import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { lstat, readdir, realpath, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { DrayError } from '../../lib/errors.ts'
import { makeFolder, writeFileAtomic } from '../../lib/files/atomic.ts'
import { ioError, systemCode } from '../../lib/files/io-error.ts'
import { openRegular, readFileBounded } from '../../lib/files/read.ts'

/** Files that are read between two pauses: about a millisecond. */
const readsAtOnce = 64

/*
 * Access to the files of a registry's folder. A folder of another user may contain symbolic
 * links, and a link must not make the registry read, list, write or delete files elsewhere. So
 * every function here refuses a path through a link. Paths must begin with the real path of the
 * folder.
 */

/** @throws `refused` if a folder above the path is reached through a symbolic link. */
export async function checkFolderOf(path: string): Promise<void> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    try {
      if ((await realpath(folder)) === folder) return
    } catch (error) {
      if (isAbsent(error) && folder !== dirname(folder)) continue
      throw error
    }
    throw new DrayError('refused', `the path ${folder} contains a symbolic link`, {
      subject: folder,
      hint: 'Replace the link with a folder. The registry does not follow links.',
    })
  }
}

/** Bytes of a regular file; undefined if there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  await checkFolderOf(path)
  try {
    const found = await lstat(path)
    return found.isFile() ? found.size : undefined
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/**
 * When a file or a folder was last changed, milliseconds since 1970; undefined if it does not
 * exist. Does not follow a link at the path.
 */
export async function changeTimeOf(path: string): Promise<number | undefined> {
  await checkFolderOf(path)
  try {
    return (await lstat(path)).mtimeMs
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/**
 * The content of a regular file, or undefined. @throws `malformed` if it is larger; `io` for a
 * link.
 */
export async function readSmall(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  await checkFolderOf(path)
  return await readFileBounded(path, maxBytes, { followLinks: false })
}

/**
 * The contents of many small regular files of one folder, by name. Files that are gone are omitted.
 * Reads are synchronous, which takes a fraction of the time, with a pause for other requests.
 * @throws `malformed` if a file is larger; `io` for a link.
 */
export async function* readManySmall(
  folder: string,
  names: readonly string[],
  maxBytes: number,
): AsyncGenerator<readonly [name: string, content: Uint8Array], void> {
  await checkFolderOf(`${folder}/.`)
  for (const [i, name] of names.entries()) {
    if (i % readsAtOnce === readsAtOnce - 1) await setImmediate()
    const content = readSmallSync(join(folder, name), maxBytes)
    if (content !== undefined) yield [name, content]
  }
}

function readSmallSync(path: string, maxBytes: number): Uint8Array | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw ioError(error, `cannot read ${path}`, path)
  }
  try {
    if (!fstatSync(file).isFile())
      throw new DrayError('io', `${path} is not a regular file`, { subject: path })
    const buffer = Buffer.alloc(maxBytes + 1)
    const size = readSync(file, buffer, 0, buffer.byteLength, 0)
    if (size <= maxBytes) return buffer.subarray(0, size)
    throw new DrayError('malformed', `${path} is larger than ${maxBytes} bytes`, { subject: path })
  } catch (error) {
    throw ioError(error, `cannot read ${path}`, path)
  } finally {
    closeSync(file)
  }
}

/** The bytes from `start` up to `end`, exclusive. @throws `not-found`. */
export async function* readRange(path: string, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  await checkFolderOf(path)
  const handle = await openRegular(path)
  if (handle === undefined) throw new DrayError('not-found', `${path} does not exist`, { subject: path })
  yield* handle.createReadStream({ start, end: end - 1 }) as AsyncIterable<Buffer>
}

/** The names in a folder; none if it does not exist. */
export async function listNames(folder: string): Promise<readonly string[]> {
  await checkFolderOf(`${folder}/.`)
  try {
    return await readdir(folder)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/**
 * Returns a text that changes when a name is added to a folder or removed; undefined if the folder
 * does not exist.
 */
export async function folderStamp(folder: string): Promise<string | undefined> {
  await checkFolderOf(`${folder}/.`)
  try {
    const { ino, mtimeNs, ctimeNs } = await stat(folder, { bigint: true })
    return `${ino} ${mtimeNs} ${ctimeNs}`
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** Writes a file atomically and creates its folder. Replaces a link at the path. */
export async function writeWhole(
  path: string,
  content: Uint8Array | string,
  tempFolder: string,
): Promise<void> {
  await checkFolderOf(path)
  await makeFolder(dirname(path))
  await writeFileAtomic(path, content, { tempFolder })
}

/** Removes a file or a link. False if it did not exist. */
export async function remove(path: string): Promise<boolean> {
  await checkFolderOf(path)
  try {
    await rm(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

/** Whether a file, or a folder above it, does not exist. */
function isAbsent(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
