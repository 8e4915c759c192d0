import { userInfo } from 'node:os'
import { homeFolder } from '../lib/files/user-folders.ts'
import { startCompileCache } from './compile-cache.ts'

/** Prepares the process before the program is loaded. `bin/dray.js` calls it. */
export function prepare(env: NodeJS.ProcessEnv): void {
  // A user id without an entry in /etc/passwd has no home if HOME is not set, and packages fail
  // when they ask for it. Containers start such users with HOME=/.
  if (env['HOME'] === undefined && homeFolder(env) === undefined) env['HOME'] = '/'
  // The same for the shell, which oclif reads at every start.
  if (env['SHELL'] === undefined && !isKnownUser()) env['SHELL'] = '/bin/sh'
  startCompileCache(env)
}

function isKnownUser(): boolean {
  try {
    userInfo()
    return true
  } catch {
    return false
  }
}
