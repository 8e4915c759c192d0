import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, link, lstat, open, readlink, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DrayError, isDrayError } from '../errors.ts'
import { replaceFile } from '../host/replace-file.ts'
import { ioError, systemCode } from './io-error.ts'
import { makeFolders } from './make-folders.ts'

export interface AtomicOptions {
  /** permissions of the file, before the umask; by default 0o666 */
  readonly mode?: number
  /** the folder of the unfinished file, on the same file system; by default the file's own */
  readonly tempFolder?: string
  /**
   * `false` does not wait for the disk. A crash of the process leaves the old or the new content.
   * Power loss does the same, or leaves an empty file.
   */
  readonly sync?: false
  /** `true` fails with `refused` if the path exists. */
  readonly mustBeNew?: boolean
  /**
   * The file gets these permissions without the umask, and this owner and group if the process may
   * set them. Windows has none of these.
   */
  readonly like?: Pick<Stats, 'mode' | 'uid' | 'gid'>
  /** Runs when the new content is on disk, before the rename. Nothing is replaced if it throws. */
  readonly beforeMove?: () => Promise<void>
}

/**
 * Writes a file so that a reader, or a machine that loses power, finds the old content or the whole
 * new one: temporary file, fsync, rename, fsync of the folder. Replaces a symbolic link at `path`
 * and does not follow it. The folder must exist. A device, a pipe or a folder at `path` stays: to
 * rename over `/dev/null` would break the machine.
 * @throws `not-found`, `io`.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: AtomicOptions = {},
): Promise<void> {
  await writeAtomic(path, options, (handle) => handle.writeFile(bytes))
}

/**
 * Writes chunks like `writeFileAtomic`. If `chunks` throws or `signal` aborts, no file is left, and
 * the reason is thrown.
 */
export async function writeStreamAtomic(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  options: AtomicOptions = {},
): Promise<void> {
  await writeAtomic(path, options, async (handle) => {
    signal.throwIfAborted()
    for await (const chunk of chunks) {
      signal.throwIfAborted()
      await writeWhole(handle, chunk)
    }
    signal.throwIfAborted()
  })
}

/**
 * Moves a finished file to its final path: fsync, rename, fsync of the folder. Replaces a file
 * there.
 * @throws `not-found`, `io`.
 */
export async function moveToFinalPath(from: string, path: string): Promise<void> {
  try {
    const handle = await open(from, 'r+')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    await replaceFile(from, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    throw ioError(cause, `cannot write ${path}`, path)
  }
}

/**
 * Creates a folder and its missing parents, each synced into its parent. @throws `not-found`, `io`.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    for (const made of makeFolders(path, mode)) await syncFolder(dirname(made))
  } catch (cause) {
    throw ioError(cause, `cannot create the folder ${path}`, path)
  }
}

/**
 * Makes changes in a folder outlast a power cut. Does nothing if the file system cannot do that.
 */
export async function syncFolder(path: string): Promise<void> {
  const unsupported = new Set(['EINVAL', 'EISDIR', 'EPERM', 'ENOTSUP'])
  try {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (unsupported.has(systemCode(cause) ?? '')) return
    throw ioError(cause, `cannot sync the folder ${path}`, path)
  }
}

/** The names of unfinished files. A crash may leave one. dray never reads it. */
const tempName = /^\.dray-[0-9a-f]{24}\.tmp$/

export function isTempName(name: string): boolean {
  return tempName.test(name)
}

/** Returns a name that no other file has. */
export function newTempName(): string {
  return `.dray-${randomBytes(12).toString('hex')}.tmp`
}

async function writeAtomic(
  path: string,
  options: AtomicOptions,
  write: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temp = join(options.tempFolder ?? dirname(path), newTempName())
  try {
    const handle = await open(temp, 'wx', options.mode ?? 0o666)
    try {
      await write(handle)
      if (options.like !== undefined) await copyAccess(handle, options.like)
      if (options.sync !== false) await handle.sync()
    } finally {
      await handle.close()
    }
    await options.beforeMove?.()
    if (options.mustBeNew === true) await moveToNew(temp, path)
    else await moveOver(temp, path)
    if (options.sync !== false) await syncFolder(dirname(path))
  } catch (cause) {
    await rm(temp, { force: true }).catch(() => undefined)
    throw writeError(cause, temp, path)
  }
}

const permissions = 0o7777

async function copyAccess(
  handle: FileHandle,
  { mode, uid, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>,
): Promise<void> {
  const own = await handle.stat()
  if (own.uid !== uid || own.gid !== gid) {
    try {
      await handle.chown(uid, gid)
    } catch (cause) {
      if (systemCode(cause) !== 'EPERM') throw cause
    }
  }
  // A change of the owner clears some permissions, so they are set after it.
  await handle.chmod(mode & permissions)
}

/** The user does not know the temporary file. */
function writeError(cause: unknown, temp: string, path: string): unknown {
  const error = ioError(cause, `cannot write ${path}`, path)
  if (!isDrayError(error) || error.cause !== cause) return error
  const why = error.why?.replaceAll(temp, path)
  const isFolderMissing = error.code === 'not-found' && dirname(temp) === dirname(path)
  if (!isFolderMissing) return error.with({ why, cause })
  const folder = dirname(path)
  return error.with({
    why: `the folder ${folder} does not exist`,
    hint: `Create the folder ${folder} first.`,
    cause,
  })
}

async function moveOver(temp: string, path: string): Promise<void> {
  if (!(await isReplaceable(path))) {
    throw new DrayError('io', `${path} is not a regular file`, {
      subject: path,
      hint: 'Name a regular file or a new one.',
    })
  }
  await replaceFile(temp, path)
}

async function isReplaceable(path: string): Promise<boolean> {
  const own = await lstat(path).catch(() => undefined)
  if (own?.isSymbolicLink() !== true) return own === undefined || own.isFile()
  // /dev/stdout leads to an open file of this process, of any kind.
  if ((await readlink(path)).startsWith('/proc/')) return false
  const target = await stat(path).catch(() => undefined)
  return target === undefined || target.isFile()
}

/** A link fails if the name exists. A rename does not. */
async function moveToNew(temp: string, path: string): Promise<void> {
  try {
    await link(temp, path)
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause
    throw new DrayError('refused', `${path} already exists`, { subject: path, cause })
  }
  await rm(temp)
}

async function writeWhole(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0
  while (written < chunk.byteLength) {
    written += (await handle.write(chunk, written, chunk.byteLength - written)).bytesWritten
  }
}
