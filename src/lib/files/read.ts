import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { DrayError } from '../errors.ts'
import { ioError, systemCode } from './io-error.ts'

/**
 * Opens a regular file to read; undefined if it does not exist. Never waits for a pipe, and follows
 * a symbolic link in the last component only with `followLinks`.
 * @throws `io`.
 */
export async function openRegular(
  path: string,
  options: { readonly followLinks?: boolean } = {},
): Promise<FileHandle | undefined> {
  const noFollow = options.followLinks === true ? 0 : constants.O_NOFOLLOW
  let handle: FileHandle
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | noFollow)
  } catch (cause) {
    return unopened(cause, path)
  }
  try {
    if (!(await handle.stat()).isFile()) throw notRegular(path, undefined)
    return handle
  } catch (cause) {
    await handle.close()
    throw ioError(cause, `cannot read ${path}`, path)
  }
}

/**
 * Opens a regular file like `openRegular`, and follows no link, without a turn of the event loop:
 * for files of a few bytes. The caller closes it. @throws `io`.
 */
export function openRegularSync(path: string): number | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (cause) {
    return unopened(cause, path)
  }
  try {
    if (!fstatSync(fd).isFile()) throw notRegular(path, undefined)
    return fd
  } catch (cause) {
    closeSync(fd)
    throw ioError(cause, `cannot read ${path}`, path)
  }
}

/** Returns undefined for a file that does not exist. @throws `io` for any other failure. */
function unopened(cause: unknown, path: string): undefined {
  const code = systemCode(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  throw code === 'ELOOP' ? notRegular(path, cause) : ioError(cause, `cannot read ${path}`, path)
}

export interface FileReadOptions {
  /** true by default */
  readonly followLinks?: boolean
  /** Receives the open file before anything is read. The read fails with what it throws. */
  readonly check?: (stats: Stats) => void
}

/**
 * Reads a whole file of at most `maxBytes`; undefined if it does not exist.
 * @throws `malformed` if it is larger; `io`.
 */
export async function readFileBounded(
  path: string,
  maxBytes: number,
  { followLinks = true, check }: FileReadOptions = {},
): Promise<Uint8Array | undefined> {
  const handle = await openRegular(path, { followLinks })
  if (handle === undefined) return undefined
  try {
    const stats = await handle.stat()
    check?.(stats)
    const { size } = stats
    // One byte more than its size: a file may grow while it is read.
    const buffer = Buffer.alloc(Math.min(size, maxBytes) + 1)
    let filled = 0
    while (filled < buffer.byteLength) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.byteLength - filled, filled)
      if (bytesRead === 0) return buffer.subarray(0, filled)
      filled += bytesRead
    }
    if (filled > maxBytes) {
      throw new DrayError('malformed', `${path} is larger than ${maxBytes} bytes`, { subject: path })
    }
    throw new DrayError('io', `${path} changed while dray read it`, { subject: path })
  } catch (cause) {
    throw ioError(cause, `cannot read ${path}`, path)
  } finally {
    await handle.close()
  }
}

function notRegular(path: string, cause: unknown): DrayError {
  return new DrayError('io', `${path} is not a regular file`, { subject: path, cause })
}
