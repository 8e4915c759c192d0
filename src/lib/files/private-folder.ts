import { lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { findForeignLink } from './links.ts'
import { explainForeignReplacers, explainForeignWriters } from './ownership.ts'
import type { UserFolder } from './user-folders.ts'

export interface PrivateFolderOptions {
  /** of this process; undefined on Windows, which has no user ids: then only links are refused */
  readonly uid: number | undefined
  /** The folders above it are not checked. Undefined: all folders up to the root are. */
  readonly home: string | undefined
  /** Creates missing folders with mode 0700. Otherwise a missing folder counts as private. */
  readonly create: boolean
}

/** Why a folder is not private. */
export interface FolderFault {
  /** the requested folder, or one above it */
  readonly path: string
  readonly why: string
  /** `mode`: the user can correct it with chmod */
  readonly kind: 'mode' | 'other'
}

export type PrivateFolder = { readonly path: string } | { readonly fault: FolderFault }

/**
 * Returns the real path of a folder that only this user and root can write to or replace, or the
 * reason why it is not one. The folder has to belong to the user, and every folder above it, up to
 * the home or the root, to the user or root. Nothing below `base` may be a link, and a link that
 * leads to `base` has to belong to the user or root. Others may not write to any of them, unless
 * `base` or a folder above it has the sticky bit, as /tmp. The mode of an existing folder is never
 * changed. Only the user and root can change what was checked, so the result holds until one of
 * them does.
 */
export function privateFolder(folder: UserFolder, options: PrivateFolderOptions): PrivateFolder {
  try {
    return check(folder, options)
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    const path = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : folder.base
    return { fault: { path, why: thrown.message, kind: 'other' } }
  }
}

function check(folder: UserFolder, options: PrivateFolderOptions): PrivateFolder {
  const { base, missing } = realBase(folder.base)
  const isHomeMissing = missing.length > 0 && folder.base === options.home
  // A missing home is not created: no user would manage it.
  if (isHomeMissing && options.create)
    return { fault: { path: folder.base, why: 'the folder does not exist', kind: 'other' } }
  const home = options.home === undefined ? undefined : realOrUndefined(options.home)
  const link = options.uid === undefined ? undefined : findForeignLink(folder.base, [options.uid, 0])
  if (link !== undefined) return { fault: { ...link, kind: 'other' } }
  for (const above of foldersDownTo(base, home)) {
    const fault = faultAbove(above, lstatSync(above), options)
    if (fault !== undefined) return { fault }
  }
  const below = [...missing, ...folder.below]
  let path = base
  for (const [index, name] of below.entries()) {
    path = join(path, name)
    const stats = options.create ? made(path) : lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return { path: join(path, ...below.slice(index + 1)) }
    const isLast = index === below.length - 1
    const fault = faultBelow(path, stats, isLast, options)
    if (fault !== undefined) return { fault }
  }
  return { path }
}

/**
 * Returns the existing part of the base, with its links resolved, and the missing names below it.
 */
function realBase(path: string): { readonly base: string; readonly missing: readonly string[] } {
  const missing: string[] = []
  for (let at = path; ; at = dirname(at)) {
    const base = realOrUndefined(at)
    if (base !== undefined || at === dirname(at)) return { base: base ?? at, missing }
    missing.unshift(basename(at))
  }
}

function realOrUndefined(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined
    throw thrown
  }
}

/** Returns the folders from the home or from the root down to `path`. */
function foldersDownTo(path: string, home: string | undefined): readonly string[] {
  const isBelowHome = home !== undefined && !relative(home, path).startsWith('..')
  const folders: string[] = []
  for (let at = path; ; at = dirname(at)) {
    folders.unshift(at)
    if ((isBelowHome && at === home) || at === dirname(at)) return folders
  }
}

/**
 * Creates it with mode 0700 at once: a folder that was open for a moment could hold a file of
 * another user.
 */
function made(path: string): Stats {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats !== undefined) return stats
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (thrown) {
    const exists = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST'
    if (!exists) throw thrown
  }
  return lstatSync(path)
}

function faultAbove(path: string, stats: Stats, { uid }: PrivateFolderOptions): FolderFault | undefined {
  const who = uid === undefined ? undefined : explainForeignReplacers(stats, [uid, 0])
  return faultOf(path, stats, who, uid)
}

function faultBelow(
  path: string,
  stats: Stats,
  isLast: boolean,
  { uid }: PrivateFolderOptions,
): FolderFault | undefined {
  const who = uid === undefined ? undefined : explainForeignWriters(stats, isLast ? [uid] : [uid, 0])
  return faultOf(path, stats, who, uid)
}

function faultOf(
  path: string,
  stats: Stats,
  who: string | undefined,
  uid: number | undefined,
): FolderFault | undefined {
  if (stats.isSymbolicLink()) return { path, why: 'it is a symbolic link', kind: 'other' }
  if (!stats.isDirectory()) return { path, why: 'it is not a folder', kind: 'other' }
  return who === undefined ? undefined : { path, why: who, kind: stats.uid === uid ? 'mode' : 'other' }
}
