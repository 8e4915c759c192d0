import { homedir } from 'node:os'
import { dirname, isAbsolute, resolve } from 'node:path'

export type ProcessEnvironment = Readonly<Record<string, string | undefined>>

/** A folder of one user: `below` names the folders below `base` that lead to it. */
export interface UserFolder {
  /** absolute: the home, or what the XDG variable names */
  readonly base: string
  readonly below: readonly string[]
}

/** The variable and the default of each kind (XDG Base Directory Specification). */
const kinds = {
  cache: { variable: 'XDG_CACHE_HOME', below: ['.cache'] },
  state: { variable: 'XDG_STATE_HOME', below: ['.local', 'state'] },
} as const

export type UserFolderKind = keyof typeof kinds

/** Returns the variable that names another location for a kind of folder. */
export function variableOf(kind: UserFolderKind): string {
  return kinds[kind].variable
}

/**
 * Returns the home of the user; undefined if there is none, as for a user id without an entry in
 * /etc/passwd.
 */
export function homeFolder(env: ProcessEnvironment): string | undefined {
  const home = env['HOME'] ?? homeOfUser()
  return home !== undefined && isAbsolute(home) ? resolve(home) : undefined
}

/**
 * Returns the folder for what dray can read again or what later runs need. Undefined if the user
 * has none.
 */
export function userFolder(kind: UserFolderKind, env: ProcessEnvironment): UserFolder | undefined {
  const { variable, below } = kinds[kind]
  const named = env[variable]
  // The specification says to ignore relative paths.
  if (named !== undefined && isAbsolute(named)) return { base: resolve(named), below: ['dray'] }
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
  try {
    return homedir()
  } catch {
    return undefined
  }
}
