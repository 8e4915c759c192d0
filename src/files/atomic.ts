import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ioError, systemCode } from './io-error.ts'

export interface AtomicOptions {
  /** permissions of the file, before the umask; 0o666 where not said */
  readonly mode?: number
  /** where the unfinished file stands, on the same file system; the file's own folder where not said */
  readonly tempFolder?: string
  /** false: a crash of the process leaves the old or the new content, and so does power loss, or else an empty file; the disk is not waited for */
  readonly sync?: false
}

/**
 * Writes a file so that a reader, or a machine that loses power, finds the old content or the whole new one: temporary file, fsync, rename,
 * fsync of the folder. A symbolic link at `path` is replaced, not followed. The folder must be there. @throws `not-found`, `io`.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: AtomicOptions = {},
): Promise<void> {
  await writeAtomic(path, options, (handle) => handle.writeFile(bytes))
}

/** Like `writeFileAtomic`, from chunks. Where `chunks` throws or `signal` aborts, nothing is left behind and the reason is thrown. */
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

/** Moves a finished file to its place for good: fsync, rename, fsync of the folder. Replaces what is there. @throws `not-found`, `io`. */
export async function moveIntoPlace(from: string, path: string): Promise<void> {
  try {
    const handle = await open(from, 'r+')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(from, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    throw ioError(cause, `${path} cannot be written`, path)
  }
}

/** Makes a folder and those above it that are missing, each synced into its parent. @throws `io`. */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    const whole = resolve(path)
    const first = await mkdir(whole, { recursive: true, mode })
    if (first === undefined) return
    for (let made = whole; ; made = dirname(made)) {
      await syncFolder(dirname(made))
      if (made === first || made === dirname(made)) return
    }
  } catch (cause) {
    throw ioError(cause, `the folder ${path} cannot be made`, path)
  }
}

/** Makes what was created, renamed or removed in a folder outlast a power cut; does nothing where the file system has no such notion. */
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
    throw ioError(cause, `the folder ${path} cannot be synced`, path)
  }
}

/** How the names of unfinished files look; a crash may leave one behind, and nobody reads it. */
const tempName = /^\.dray-[0-9a-f]{24}\.tmp$/

export function isTempName(name: string): boolean {
  return tempName.test(name)
}

/** A name that no other file has. */
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
      if (options.sync !== false) await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temp, path)
    if (options.sync !== false) await syncFolder(dirname(path))
  } catch (cause) {
    await rm(temp, { force: true }).catch(() => undefined)
    throw ioError(cause, `${path} cannot be written`, path)
  }
}

async function writeWhole(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0
  while (written < chunk.byteLength) {
    written += (await handle.write(chunk, written, chunk.byteLength - written)).bytesWritten
  }
}
