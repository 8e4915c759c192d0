import type { BigIntStats } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { openRegular } from '../../lib/files/read.ts'
import { digestOf } from '../../oci/digest.ts'
import type { Hash } from '../../plan/plan.ts'
import { maxFileSize } from './text/decode.ts'

/** A file that dray may edit. */
export interface EditableFile {
  readonly bytes: Uint8Array
  readonly hash: Hash
}

export interface EditedBytes {
  /** the folder that no edit leaves, such as that of a repository */
  readonly root: string
  /** absolute, or relative to `root` */
  readonly path: string
  /** of the bytes that were edited */
  readonly expected: Hash
  readonly bytes: Uint8Array
  /** Runs when the new bytes are on disk, before the last check. */
  readonly beforeCheck?: () => Promise<void>
}

/**
 * Reads a file to edit. Follows links only within `root`.
 * @throws `not-found`; `refused` for a file outside of `root` or of more than 16 MiB; `io`.
 */
export async function readEditable(root: string, path: string): Promise<EditableFile> {
  const { bytes } = await readFile(await resolveInside(root, path), path)
  return { bytes, hash: digestOf(bytes) }
}

/**
 * Replaces the content of a file if it still has the expected bytes. Keeps its permissions, and
 * does not touch a file that has the new bytes already. Follows links only within `root`.
 *
 * Systems have no rename that depends on the content. The path and the state of the file are
 * checked again between the sync of the new content and the rename.
 * @throws `conflict` if the file has other bytes; `not-found`; `refused` for a file outside of
 * `root`; `io`.
 */
export async function writeEdited(edited: EditedBytes): Promise<'written' | 'unchanged'> {
  const { root, path, expected, bytes } = edited
  const real = await resolveInside(root, path)
  const before = await readFile(real, path)
  const hash = digestOf(before.bytes)
  if (hash === digestOf(bytes)) return 'unchanged'
  if (hash !== expected) throw changed(path)
  const { mode, uid, gid } = before.stats
  await writeFileAtomic(real, bytes, {
    mode: 0o600,
    like: { mode: Number(mode), uid: Number(uid), gid: Number(gid) },
    async beforeMove() {
      await edited.beforeCheck?.()
      const isSamePath = (await resolveInside(root, path)) === real
      if (!isSamePath || !isSameState(await lstat(real, { bigint: true }), before.stats)) throw changed(path)
    },
  })
  return 'written'
}

function isSameState(a: BigIntStats, b: BigIntStats): boolean {
  const isSameFile = a.dev === b.dev && a.ino === b.ino
  return isSameFile && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

/** Returns the path without links. @throws `refused` for a path outside of `root`. */
async function resolveInside(root: string, path: string): Promise<string> {
  const named = resolve(root, path)
  let folder: string
  let real: string
  try {
    folder = await realpath(root)
    real = await realpath(named)
  } catch (cause) {
    throw ioError(cause, `cannot read ${path}`, path)
  }
  const below = relative(folder, real)
  const isOutside = below === '' || isAbsolute(below) || below.split(sep)[0] === '..'
  if (isOutside) throw outside(path, `it leads to ${real}, which is not in ${folder}`)
  if (below.split(sep).includes('.git')) throw outside(path, 'it leads to a file of git')
  return real
}

function outside(path: string, why: string): DrayError {
  return new DrayError('refused', `cannot edit ${path}`, {
    subject: path,
    why,
    hint: 'Name a file in the repository, without a link that leads out of it.',
  })
}

/** Reads a file and its state. @param shown the path for messages */
async function readFile(
  real: string,
  shown: string,
): Promise<{ readonly bytes: Uint8Array; readonly stats: BigIntStats }> {
  const handle = await openRegular(real)
  if (handle === undefined)
    throw new DrayError('not-found', `cannot read ${shown}`, {
      subject: shown,
      why: 'the file does not exist',
    })
  try {
    const stats = await handle.stat({ bigint: true })
    if (stats.size > maxFileSize)
      throw new DrayError('refused', `cannot edit ${shown}`, {
        subject: shown,
        why: `it is larger than ${maxFileSize} bytes`,
        hint: 'Split the file.',
      })
    const bytes = await handle.readFile()
    const after = await handle.stat({ bigint: true })
    if (!isSameState(stats, after)) throw changed(shown)
    return { bytes, stats }
  } catch (cause) {
    throw ioError(cause, `cannot read ${shown}`, shown)
  } finally {
    await handle.close()
  }
}

function changed(path: string): DrayError {
  return new DrayError('conflict', `${path} changed since the edit was planned`, {
    subject: path,
    hint: 'Run the command again.',
  })
}
