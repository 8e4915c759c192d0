/** The file of a lock: it contains the id of its holder, and its time is the last heartbeat. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  futimesSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { ioError, systemCode } from '../io-error.ts'
import { openRegularSync } from '../read.ts'

/** Bytes that are read of a lock file: more than an id has. */
const maxIdSize = 64

/**
 * The id must exist as soon as the name does: it is written under another name and then linked,
 * which fails if the lock exists. The calls are synchronous, as all calls for a lock: a call that
 * is waited for takes ten times as long as these few bytes.
 */
export function createLock(path: string, id: string, now: Date): boolean {
  const own = `${path}.${id}`
  try {
    const fd = openSync(own, 'wx', 0o600)
    try {
      writeSync(fd, id)
      futimesSync(fd, now, now)
    } finally {
      closeSync(fd)
    }
    linkSync(own, path)
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw ioError(cause, `cannot create the lock ${path}`, path)
  } finally {
    removeQuietly(own)
  }
}

/** An unused file stays if it cannot be removed. */
function removeQuietly(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    return
  }
}

export function readLock(path: string): { readonly id: string; readonly heartbeat: number } | undefined {
  const fd = openRegularSync(path)
  if (fd === undefined) return undefined
  try {
    const buffer = Buffer.alloc(maxIdSize)
    const id = buffer.toString('latin1', 0, readSync(fd, buffer, 0, maxIdSize, 0))
    return { id, heartbeat: fstatSync(fd).mtimeMs }
  } catch (cause) {
    throw ioError(cause, `cannot read the lock ${path}`, path)
  } finally {
    closeSync(fd)
  }
}

/**
 * Another waiter may have been quicker. A lock that is moved away and is not the dead process's is
 * put back. The calls are synchronous, so that hardly any time is left for that.
 */
export function removeStale(path: string, staleId: string): void {
  const aside = `${path}.${randomBytes(8).toString('hex')}.stale`
  try {
    if (readLock(path)?.id !== staleId) return
    renameSync(path, aside)
    if (readLock(aside)?.id !== staleId) linkSync(aside, path)
  } catch (cause) {
    // It is gone, or a third process has the lock. The process whose lock was moved away notices in
    // `check`.
    const code = systemCode(cause)
    if (code !== 'ENOENT' && code !== 'EEXIST') throw ioError(cause, `cannot acquire the lock ${path}`, path)
  } finally {
    removeQuietly(aside)
  }
}
