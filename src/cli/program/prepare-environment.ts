import { folderIn, homeFolder } from '../../lib/files/user-folders.ts'
import { runsOnBun } from '../../lib/host/runtime.ts'

/** The variables of folders that packages and child processes read (XDG Base Directory). */
const folderVariables = [
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_STATE_HOME',
  'XDG_RUNTIME_DIR',
] as const

/** Prepares the variables of the process for packages and child processes. */
export function prepareEnvironment(env: NodeJS.ProcessEnv): void {
  setFolders(env)
  // Bun's homedir() does not see a HOME that is set after the start.
  if (runsOnBun) Object.assign(process.getBuiltinModule('node:os'), { homedir: () => homeFolder(env) ?? '/' })
  settleColours(env)
  // dray always verifies certificates. Node would warn that TLS is not secure.
  delete env['NODE_TLS_REJECT_UNAUTHORIZED']
}

/** Packages and child processes would take an empty or relative path for the working directory. */
function setFolders(env: NodeJS.ProcessEnv): void {
  for (const name of folderVariables) if (folderIn(env, name) === undefined) delete env[name]
  if (folderIn(env, 'HOME') !== undefined) return
  const home = homeFolder(env)
  // A user id without an entry in /etc/passwd has no home if HOME is not set, and packages fail
  // when they ask for it. Containers start such users with HOME=/.
  if (home === undefined) env['HOME'] = '/'
  else if (env['HOME'] !== undefined) env['HOME'] = home
}

/**
 * Node and the child processes that are written in JavaScript warn about variables of colour that
 * contradict each other. NO_COLOR takes precedence in dray, and dray reads no NODE_DISABLE_COLORS.
 */
function settleColours(env: NodeJS.ProcessEnv): void {
  if (env['FORCE_COLOR'] === undefined) return
  if (isSet(env['NO_COLOR'])) delete env['FORCE_COLOR']
  else delete env['NODE_DISABLE_COLORS']
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}
