import { hostname } from 'node:os'
import type { Actor } from '../../audit/log/record.ts'
import { findSystemUser } from '../../lib/host/system-user.ts'
import { createActor } from '../ci/actor.ts'

/** The actor of an audit record. `override` is the value of `--actor`. */
export function findActor(env: NodeJS.ProcessEnv, override?: string): Actor {
  return createActor(env, { user: userName(), host: hostname() }, override)
}

/** In a container the user may have only a number. */
function userName(): string {
  return findSystemUser()?.name ?? String(process.getuid?.() ?? 'unknown')
}
