import { homedir } from 'node:os'
import { dirname, isAbsolute, resolve, win32 } from 'node:path'
import { findSystemUser } from '../host/system-user.ts'

export type ProcessEnvironment = Readonly<Record<string, string | undefined>>

/** A folder of one user: `below` names the folders below `base` that lead to it. */
export interface UserFolder {
  /** absolute: the home, or what the XDG variable names */
  readonly base: string
  readonly below: readonly string[]
}

/**
 * The variable and the default of each kind (XDG Base Directory Specification), and its place in
 * the folder of Windows for data of this machine.
 */
const kinds = {
  cache: { variable: 'XDG_CACHE_HOME', below: ['.cache'], belowLocalData: ['dray', 'cache'] },
  state: { variable: 'XDG_STATE_HOME', below: ['.local', 'state'], belowLocalData: ['dray'] },
} as const

export type UserFolderKind = keyof typeof kinds

/** Returns the variable that names another location for a kind of folder. */
export function variableOf(kind: UserFolderKind): string {
  return kinds[kind].variable
}

/**
 * Returns the folder that a variable names; undefined if the variable is unset, empty or relative:
 * what is below such a path would be below the working directory (XDG Base Directory Specification,
 * "All paths must be absolute").
 */
export function folderIn(env: ProcessEnvironment, variable: string): string | undefined {
  const path = env[variable]
  return path !== undefined && isAbsolute(path) ? resolve(path) : undefined
}

/**
 * Returns the home of the user: by HOME, or by the system. Undefined if there is none, as for a
 * user id without an entry in /etc/passwd.
 */
export function homeFolder(env: ProcessEnvironment): string | undefined {
  return folderIn(env, 'HOME') ?? homeOfUser()
}

/**
 * Returns the folder for what dray can read again or what later runs need. Undefined if the user
 * has none.
 */
export function userFolder(
  kind: UserFolderKind,
  env: ProcessEnvironment,
  platform: NodeJS.Platform = process.platform,
): UserFolder | undefined {
  const { variable, below, belowLocalData } = kinds[kind]
  const named = folderIn(env, variable)
  if (named !== undefined) return { base: named, below: ['dray'] }
  const { LOCALAPPDATA: localData = '' } = platform === 'win32' ? env : {}
  if (win32.isAbsolute(localData)) return { base: win32.resolve(localData), below: belowLocalData }
  const home = homeFolder(env)
  if (home === undefined) return undefined
  // HOME=/ means no home: a container that was started with a user id only. A cache is not worth a
  // folder in the root.
  if (kind === 'cache' && home === dirname(home)) return undefined
  return { base: home, below: [...below, 'dray'] }
}

/** Returns the folder `names` in a folder of the user. */
export function inside({ base, below }: UserFolder, ...names: readonly string[]): UserFolder {
  return { base, below: [...below, ...names] }
}

function homeOfUser(): string | undefined {
  // On other systems than Windows, homedir() returns HOME, also if that is empty.
  const home = process.platform === 'win32' ? homeOnWindows() : findSystemUser()?.home
  return home !== undefined && isAbsolute(home) ? resolve(home) : undefined
}

function homeOnWindows(): string | undefined {
  try {
    return homedir()
  } catch {
    return undefined
  }
}
