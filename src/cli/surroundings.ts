import { homedir, hostname, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import type { Actor } from '../audit/record.ts'
import type { Config } from '../config/config.ts'
import { DrayError } from '../errors.ts'
import { readFileBounded } from '../files/read.ts'
import type { RegistrySettings, RegistrySettingsMap } from '../http/origins.ts'
import { actorFrom, type Environment } from './actor.ts'

/** The largest file of certificates that is read: the whole of a system's is a quarter of it. */
const maxCaSize = 1024 * 1024

/** Where the record is: what was said, else the user's state folder (XDG Base Directory Specification). */
export function auditPath(
  said: string | undefined,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (said !== undefined) return resolve(cwd, said)
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

/** The registries' settings with the certificates that they name. @throws `config` where a file of certificates cannot be read. */
export async function registrySettings(config: Config): Promise<RegistrySettingsMap> {
  const entries = [...config.registries].map(async ([registry, { ca, ...rest }]) => {
    const settings: RegistrySettings = {
      ...rest,
      ...(ca !== undefined && { ca: await readCa(registry, ca) }),
    }
    return [registry, settings] as const
  })
  return new Map(await Promise.all(entries))
}

async function readCa(registry: string, file: string): Promise<string> {
  const bytes = await readFileBounded(file, maxCaSize)
  if (bytes === undefined) {
    throw new DrayError('config', `the certificates of ${registry} are not there`, {
      subject: file,
      hint: `Correct registries.${registry}.ca in dray.yaml.`,
    })
  }
  return Buffer.from(bytes).toString('utf8')
}

/** In a container the user may have a number only. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
