import { lstatSync, readdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { othersWhoWrite } from '../lib/files/ownership.ts'
import { privateFolder } from '../lib/files/private-folder.ts'
import { type Environment, homeFolder, inside, userFolder } from '../lib/files/user-folders.ts'

/**
 * Turns Node's compile cache on, in a private folder of the user. Node runs the code that it finds there and checks neither
 * owner nor mode, and its default is a folder in the shared temporary directory. Without a private folder dray runs without
 * the cache. NODE_COMPILE_CACHE and NODE_DISABLE_COMPILE_CACHE are the user's own choice, which Node has obeyed already.
 */
export function startCompileCache(env: Environment): void {
  if (env['NODE_DISABLE_COMPILE_CACHE'] !== undefined || isSet(env['NODE_COMPILE_CACHE'])) return
  const folder = compileCacheFolder(env)
  if (folder === undefined) return
  // Node makes a folder of its own below, with the mode that the umask allows.
  const umask = process.umask(0o077)
  try {
    enableCompileCache(folder)
  } finally {
    process.umask(umask)
  }
}

/** The folder for the compile cache, made if it is missing; undefined if it cannot be trusted. */
function compileCacheFolder(env: Environment): string | undefined {
  const cache = userFolder('cache', env)
  if (cache === undefined) return undefined
  const uid = process.geteuid?.()
  const folder = inside(cache, 'compile-cache')
  const found = privateFolder(folder, { uid, home: homeFolder(env), create: true })
  if ('fault' in found) return undefined
  return uid === undefined || holdsOnlyOwn(found.path, uid) ? found.path : undefined
}

/**
 * Whether everything that this Node would read belongs to the user. A folder that is private now can hold files of another
 * user from a time when it was not.
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
  return isKind && othersWhoWrite(stats, [uid]) === undefined
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}
