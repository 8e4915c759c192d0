import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DrayError } from '../errors.ts'
import { makeFolder, syncFolder } from './atomic.ts'
import { ioError, systemCode } from './io-error.ts'

const newline = 0x0a

/**
 * Appends lines, each given without its end, and resolves when they are on disk. Makes the file (0600) and its folders (0700) where they are
 * missing. All lines of one call go in one write, so that two processes do not mix theirs; a line that an earlier crash tore is ended first, so
 * that it spoils no other. @throws `io`; `internal` for a line with a line break in it.
 */
export async function appendSynced(path: string, lines: readonly string[]): Promise<void> {
  if (lines.some((line) => /[\n\r]/.test(line))) {
    throw new DrayError('internal', `a line for ${path} has a line break in it`)
  }
  if (lines.length === 0) return
  try {
    const { handle, isNew } = await openToAppend(path)
    try {
      const start = (await endsInTornLine(handle)) ? '\n' : ''
      await handle.writeFile(`${start}${lines.join('\n')}\n`)
      await handle.datasync()
    } finally {
      await handle.close()
    }
    if (isNew) await syncFolder(dirname(path))
  } catch (cause) {
    throw ioError(cause, `${path} cannot be written`, path)
  }
}

async function openToAppend(path: string): Promise<{ handle: FileHandle; isNew: boolean }> {
  try {
    return { handle: await open(path, 'ax+', 0o600), isNew: true }
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'EEXIST') return { handle: await open(path, 'a+', 0o600), isNew: false }
    if (code !== 'ENOENT') throw cause
  }
  await makeFolder(dirname(path), 0o700)
  return { handle: await open(path, 'a+', 0o600), isNew: true }
}

async function endsInTornLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat()
  if (size === 0) return false
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return bytesRead === 1 && buffer[0] !== newline
}
