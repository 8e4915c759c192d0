import { homedir, hostname, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { Actor } from '../audit/record.ts'
import { namesFile } from '../config/names-file.ts'
import { DrayError } from '../errors.ts'
import { actorFrom, type Environment } from './actor.ts'

/**
 * The path of the audit log: the given one, else one in the user's state folder (XDG Base Directory Specification).
 * @throws `usage` for a path that names no file, such as an empty one or one that ends in a slash.
 */
export function auditPath(
  said: string | undefined,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (said !== undefined) {
    if (namesFile(said)) return resolve(cwd, said)
    throw new DrayError('usage', `${JSON.stringify(said)} does not name a file for the audit log`, {
      hint: 'Name a file with --audit-file or DRAY_AUDIT_FILE: --audit-file audit.jsonl.',
    })
  }
  return join(stateFolder(env), 'audit.jsonl')
}

/** Where what a run leaves for the next ones is kept: the user's state folder (XDG Base Directory Specification). */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const state = env['XDG_STATE_HOME']
  // the specification has relative paths ignored
  const base = state !== undefined && isAbsolute(state) ? state : join(homedir(), '.local', 'state')
  return join(base, 'dray')
}

/** Where what can be read again is kept: the user's cache folder (XDG Base Directory Specification). */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const cache = env['XDG_CACHE_HOME']
  return join(cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), '.cache'), 'dray')
}

/** Who changes something, as the record names them; `says` is what `--actor` said. */
export function currentActor(env: Environment, says?: string): Actor {
  return actorFrom(env, { user: userName(), host: hostname() }, says)
}

/** In a container the user may have a number only. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
