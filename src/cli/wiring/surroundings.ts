import { hostname, userInfo } from 'node:os'
import type { Actor } from '../../audit/log/record.ts'
import { actorFrom, type Environment } from '../ci/actor.ts'

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
