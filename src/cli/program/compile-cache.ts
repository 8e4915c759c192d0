import { lstatSync, readdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { explainForeignWriters } from '../../lib/files/ownership.ts'
import { privateFolder } from '../../lib/files/private-folder.ts'
import { type ProcessEnvironment, homeFolder, inside, userFolder } from '../../lib/files/user-folders.ts'

/**
 * Enables Node's compile cache in a private folder of the user. Node executes the code there
 * without checking owner or mode, and its default is a folder in the shared temporary directory.
 * Without a private folder there is no cache. NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE are
 * the user's own choice, which Node already applies.
 */
export function startCompileCache(env: ProcessEnvironment): void {
  if (env['NODE_DISABLE_COMPILE_CACHE'] !== undefined || isSet(env['NODE_COMPILE_CACHE'])) return
  const folder = compileCacheFolder(env)
  if (folder === undefined) return
  // Node creates a folder in it with the mode of the umask.
  const umask = process.umask(0o077)
  try {
    enableCompileCache(folder)
  } finally {
    process.umask(umask)
  }
}

/** The folder for the compile cache, created if it is missing; undefined if it is not trusted. */
function compileCacheFolder(env: ProcessEnvironment): string | undefined {
  const cache = userFolder('cache', env)
  if (cache === undefined) return undefined
  const uid = process.geteuid?.()
  const folder = inside(cache, 'compile-cache')
  const found = privateFolder(folder, { uid, home: homeFolder(env), create: true })
  if ('fault' in found) return undefined
  return uid === undefined || holdsOnlyOwn(found.path, uid) ? found.path : undefined
}

/**
 * Whether everything that this Node would read belongs to the user. A private folder may hold files
 * of another user from before.
 */
function holdsOnlyOwn(folder: string, uid: number): boolean {
  const prefix = `${process.version}-${process.arch}-`
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .map((name) => join(folder, name))
      .every((path) => isOwn(path, 'folder', uid) && areFilesOwn(path, uid))
  } catch {
    return false
  }
}

function areFilesOwn(folder: string, uid: number): boolean {
  return readdirSync(folder).every((name) => isOwn(join(folder, name), 'file', uid))
}

function isOwn(path: string, kind: 'folder' | 'file', uid: number): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  // Another run of dray has just renamed or removed it.
  if (stats === undefined) return true
  const isKind = kind === 'folder' ? stats.isDirectory() : stats.isFile()
  return isKind && explainForeignWriters(stats, [uid]) === undefined
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}
