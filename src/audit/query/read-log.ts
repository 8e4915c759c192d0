import { constants } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { DrayError } from '../../lib/errors.ts'
import { systemCode } from '../../lib/files/io-error.ts'
import { openRegular } from '../../lib/files/read.ts'
import { type LogLine, maxLineSize } from '../log/chain.ts'

/** Small reads keep the heap small, because the lines of a read are garbage after the next one. */
const readSize = 256 * 1024
const bufferSize = maxLineSize + 2 * readSize
const newline = 0x0a

/**
 * Reads the lines of an open file from `start`, the beginning of a line, to `end`, in batches. One
 * buffer serves the whole log.
 */
export async function* readLines(
  handle: FileHandle,
  start: number,
  end: number = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<readonly LogLine[], void, undefined> {
  const buffer = Buffer.allocUnsafe(bufferSize)
  let offset = start
  let filled = 0
  for (;;) {
    const length = Math.min(readSize, buffer.byteLength - filled, end - offset - filled)
    const bytesRead = length > 0 ? (await handle.read(buffer, filled, length, offset + filled)).bytesRead : 0
    filled += bytesRead
    const { lines, used } = split(buffer.subarray(0, filled), offset)
    const rest = buffer.subarray(used, filled)
    const isLast = bytesRead === 0 || rest.byteLength > maxLineSize
    if (isLast && rest.byteLength > 0) {
      const state = rest.byteLength > maxLineSize ? 'tooLong' : 'torn'
      lines.push({ offset: offset + used, raw: rest.subarray(0, maxLineSize), state })
    }
    if (lines.length > 0) yield lines
    if (isLast || lines.at(-1)?.state === 'tooLong') return
    buffer.copyWithin(0, used, filled)
    filled -= used
    offset += used
  }
}

/** Opens a log for reading. @throws `not-found`, `io`. */
export async function openLog(path: string): Promise<FileHandle> {
  const handle = await openRegular(path, { followLinks: true })
  if (handle !== undefined) return handle
  throw new DrayError('not-found', `the audit log ${path} does not exist`, {
    subject: path,
    hint: 'Pass another audit log with --audit-file. dray creates the log with the first change.',
  })
}

/**
 * Opens a log for appending. Returns undefined if there is no file and `make` is false; `make`
 * creates it (0600). Follows no symbolic link, because the lock and the head belong to one name.
 * Opens only regular files, because opening a device can have an effect. @throws the system's
 * error; `io`.
 */
export async function openToAppend(path: string, make: true): Promise<FileHandle>
export async function openToAppend(path: string, make: boolean): Promise<FileHandle | undefined>
export async function openToAppend(path: string, make: boolean): Promise<FileHandle | undefined> {
  const stats = await lstat(path).catch((cause: unknown) => {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw cause
  })
  if (stats === undefined && !make) return undefined
  if (stats !== undefined && !stats.isFile()) throw notRegular(path, stats.isSymbolicLink())
  const { O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants
  const flags = O_RDWR | O_APPEND | O_NONBLOCK | O_NOFOLLOW | (make ? O_CREAT : 0)
  const handle = await open(path, flags, 0o600)
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw notRegular(path, false)
}

function notRegular(path: string, isLink: boolean): DrayError {
  const why = isLink ? 'it is a symbolic link, and dray writes its audit log to the file itself' : undefined
  return new DrayError('io', `${path} is not a regular file`, {
    subject: path,
    ...(why !== undefined && { why }),
  })
}

/** The line whose line break is the byte before `end`, or undefined. */
export async function lineBefore(handle: FileHandle, end: number): Promise<Buffer | undefined> {
  for (let size = Math.min(end, 16 * 1024); ; size = Math.min(end, size * 8)) {
    const bytes = await readWhole(handle, end - size, size)
    if (bytes.at(-1) !== newline) return undefined
    const before = size < 2 ? -1 : bytes.lastIndexOf(newline, size - 2)
    if (before >= 0 || size === end) return bytes.subarray(before + 1, size - 1)
    if (size > maxLineSize) return undefined
  }
}

/** Reads `size` bytes from `offset`, or fewer at the end of the file. */
export async function readWhole(handle: FileHandle, offset: number, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size)
  let filled = 0
  while (filled < size) {
    const { bytesRead } = await handle.read(bytes, filled, size - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function split(bytes: Buffer, offset: number): { lines: LogLine[]; used: number } {
  const lines: LogLine[] = []
  let used = 0
  for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, used)) {
    const isLong = end - used > maxLineSize
    const raw = bytes.subarray(used, isLong ? used + maxLineSize : end)
    lines.push({ offset: offset + used, raw, state: isLong ? 'tooLong' : 'whole' })
    used = end + 1
    if (isLong) break
  }
  return { lines, used }
}
