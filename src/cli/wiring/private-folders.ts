import { lstatSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { namesFile } from '../../config/names-file.ts'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { explainForeignWriters } from '../../lib/files/ownership.ts'
import { type FolderFault, privateFolder } from '../../lib/files/private-folder.ts'
import {
  type ProcessEnvironment,
  folderIn,
  homeFolder,
  inside,
  type UserFolder,
  userFolder,
  type UserFolderKind,
  variableOf,
} from '../../lib/files/user-folders.ts'

/**
 * The folder `names` in the user's cache or state folder. Only this user and root can write to it.
 * @param options.create creates it if it is missing
 * @throws `io` with the fault and one way to correct it.
 */
export function findPrivateFolder(
  kind: UserFolderKind,
  names: readonly string[],
  env: ProcessEnvironment,
  options: { readonly create: boolean },
): string {
  const folder = userFolder(kind, env)
  if (folder === undefined) {
    throw new DrayError('io', `there is no folder for the ${kind} of dray`, {
      why: 'this user has no home folder',
      hint: `Set ${variableOf(kind)} to a folder that only you can write to.`,
    })
  }
  const found = privateFolder(inside(folder, ...names), {
    uid: process.geteuid?.(),
    home: homeFolder(env),
    ...options,
  })
  if ('fault' in found) throw notPrivate(found.fault, kind)
  return found.path
}

/**
 * The folders that can hold what all runs of this user on this machine share. Runs have to find the
 * same one, so the first does not depend on the environment: jobs of CI often have a home, a
 * `TMPDIR` or an `XDG_RUNTIME_DIR` of their own. The others are for machines on which it cannot be
 * used.
 */
export function sharedFolders(env: ProcessEnvironment): readonly UserFolder[] {
  const uid = process.geteuid?.()
  if (uid === undefined) return [{ base: tmpdir(), below: ['dray'] }]
  const runtime = folderIn(env, 'XDG_RUNTIME_DIR')
  const below = [`dray-${uid}`]
  return [
    { base: '/tmp', below },
    ...(runtime === undefined ? [] : [{ base: runtime, below: ['dray'] }]),
    // TMPDIR can be relative: runs in different folders would not find each other.
    ...(isAbsolute(tmpdir()) ? [{ base: tmpdir(), below }] : []),
  ]
}

/**
 * Creates the first of these folders that can be created, and returns its path. One that exists and
 * is not private is an error: with another folder in its place, another user who makes and removes
 * it could keep two runs from finding each other.
 * @throws `io` with the fault and one way to correct it.
 */
export function findSharedFolder(folders: readonly UserFolder[]): string {
  let first: DrayError | undefined
  for (const folder of folders) {
    if (!isThere(folder.base)) continue
    const found = privateFolder(folder, { uid: process.geteuid?.(), home: undefined, create: true })
    if ('path' in found) return found.path
    const isMade = isThere(join(folder.base, ...folder.below))
    first ??= notShared(found.fault, isMade)
    if (isMade) break
  }
  throw first ?? new DrayError('io', 'there is no folder for temporary files')
}

function notShared({ path, why, kind }: FolderFault, isMade: boolean): DrayError {
  const correct = kind === 'mode' ? `run "chmod go-w ${path}"` : 'remove it, or have its owner remove it'
  return new DrayError('io', `cannot use ${path} for the locks of dray`, {
    subject: path,
    why,
    hint: isMade
      ? `Check what is in ${path}, then ${correct}.`
      : 'Set XDG_RUNTIME_DIR to a folder that only you can write to.',
  })
}

/** Whether something has this name, be it a link that leads nowhere. */
function isThere(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

/**
 * The audit log at a path of the user. @throws `usage` for a path that names no file, such as an
 * empty one or one that ends in a slash.
 */
export function resolveAuditLog(path: string, cwd: string): string {
  if (namesFile(path)) return resolve(cwd, path)
  throw new DrayError('usage', `${JSON.stringify(path)} does not name a file for the audit log`, {
    hint: 'Name a file with --audit-file or DRAY_AUDIT_FILE: --audit-file audit.jsonl.',
  })
}

/** The default audit log. @throws `io`, or `audit` with `create`, if others can write to it. */
export function findDefaultAuditLog(env: ProcessEnvironment, options: { readonly create: boolean }): string {
  try {
    const path = join(findPrivateFolder('state', [], env, options), 'audit.jsonl')
    refuseForeign(path)
    return path
  } catch (thrown) {
    if (!isDrayError(thrown)) throw thrown
    const { code, message, subject = '', why = '', hint } = thrown
    throw new DrayError(options.create ? 'audit' : code, message, {
      subject,
      why,
      hint: `${hint?.replace(/\.$/, '')}, or pass --audit-file FILE.`,
      cause: thrown,
    })
  }
}

/** A private folder may hold a file of another user from before. */
function refuseForeign(path: string): void {
  const uid = process.geteuid?.()
  const stats = lstatSync(path, { throwIfNoEntry: false })
  const why =
    uid === undefined || stats?.isFile() !== true ? undefined : explainForeignWriters(stats, [uid, 0])
  if (why !== undefined) throw notPrivate({ path, why, kind: stats?.uid === uid ? 'mode' : 'other' }, 'state')
}

function notPrivate({ path, why, kind: fault }: FolderFault, kind: UserFolderKind): DrayError {
  return new DrayError('io', `cannot use ${path} for the ${kind} of dray`, {
    subject: path,
    why,
    hint:
      fault === 'mode'
        ? `Check what is in it, then run "chmod go-w ${path}".`
        : `Set ${variableOf(kind)} to a folder that only you can write to.`,
  })
}
