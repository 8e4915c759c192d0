import { hostname, userInfo } from 'node:os'
import type { Actor } from '../../audit/log/record.ts'
import { createActor } from '../ci/actor.ts'

/** The actor of an audit record. `override` is the value of `--actor`. */
export function findActor(env: NodeJS.ProcessEnv, override?: string): Actor {
  return createActor(env, { user: userName(), host: hostname() }, override)
}

/** In a container the user may have only a number. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
