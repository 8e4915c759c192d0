import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { DrayError } from '../../lib/errors.ts'
import { folderIn } from '../../lib/files/user-folders.ts'
import { fileSource, textSource } from './auth-file-source.ts'
import { type CredentialSource, credentialOf } from '../credential.ts'
import { type IgnoredKey, keysFor, parseKey } from './registry-keys.ts'
import { type FoundCredential, type NoCredential, type Source, type SourceName } from './source.ts'

/** Credentials from the command line. The password is read when it is needed. */
export interface GivenCredential {
  readonly username: string
  readonly password: () => Promise<string>
  /** their registry, or a namespace of it */
  readonly registry: string
}

export interface FindOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** the home folder */
  readonly home: string
  /** of the user, if the system has user ids */
  readonly uid?: number
  readonly given?: GivenCredential
  readonly clock?: Clock
  /** milliseconds that a helper may take */
  readonly helperLimitMs?: number
}

/**
 * Finds the credentials of a repository in the first source that has some.
 * @param isPlainHttp which registries are reached over plain http; by default only loopback names
 * are
 * @throws `config` for a broken source; `timeout`.
 */
export function findCredentials(
  options: FindOptions,
  isPlainHttp?: (registry: string) => boolean,
): CredentialSource {
  let sources = credentialSources(options)
  return async (registry, path, call, isAgain = false) => {
    if (isAgain) sources = credentialSources(options)
    for (const source of sources) {
      const found = await source.find(registry, path, call, isPlainHttp?.(registry))
      if (found.credential !== undefined) return found.credential
    }
    return undefined
  }
}

/**
 * Returns all sources of credentials, in their order. A source reads nothing before it is asked.
 */
export function credentialSources(options: FindOptions): readonly Source[] {
  const { env, home, uid, clock, helperLimitMs } = options
  const helpers = {
    env,
    ...(clock !== undefined && { clock }),
    ...(helperLimitMs !== undefined && { limitMs: helperLimitMs }),
  }
  const { DOCKER_AUTH_CONFIG: text, REGISTRY_AUTH_FILE: named } = env
  const sessionFile = podmanSessionFile(env, uid)
  return [
    givenSource(options.given),
    variablesSource(env),
    isSet(text) ? textSource('DOCKER_AUTH_CONFIG', text, helpers) : unset('DOCKER_AUTH_CONFIG'),
    isSet(named) ? fileSource('REGISTRY_AUTH_FILE', named, helpers, 'named') : unset('REGISTRY_AUTH_FILE'),
    sessionFile === undefined
      ? unset('podman, this session', 'XDG_RUNTIME_DIR')
      : fileSource('podman, this session', sessionFile, helpers),
    fileSource('podman, this user', podmanFile(env, home), helpers),
    fileSource(
      'docker',
      dockerFile(env, home),
      helpers,
      isSet(env['DOCKER_CONFIG']) ? 'folder is named' : 'default',
    ),
  ]
}

/** Returns the file in which docker and `dray login` keep credentials. */
export function dockerFile(env: FindOptions['env'], home: string): string {
  const { DOCKER_CONFIG: folder } = env
  return join(isSet(folder) ? folder : join(home, '.docker'), 'config.json')
}

function podmanFile(env: FindOptions['env'], home: string): string {
  return join(folderIn(env, 'XDG_CONFIG_HOME') ?? join(home, '.config'), 'containers', 'auth.json')
}

/** Returns the file of podman that lasts as long as the session (containers-auth.json(5)). */
function podmanSessionFile(env: FindOptions['env'], uid: number | undefined): string | undefined {
  const runtime = folderIn(env, 'XDG_RUNTIME_DIR')
  if (runtime !== undefined) return join(runtime, 'containers', 'auth.json')
  return uid === undefined ? undefined : `/run/containers/${uid}/auth.json`
}

function givenSource(given: GivenCredential | undefined): Source {
  const where = '--username and --password-stdin'
  if (given === undefined) return unset('flags', where)
  const { username, password, registry } = given
  return single('flags', where, registry, async () => ({ username, password: await password() }))
}

function variablesSource(env: FindOptions['env']): Source {
  const { DRAY_USERNAME: username, DRAY_PASSWORD: password, DRAY_REGISTRY: registry } = env
  const where = 'DRAY_USERNAME, DRAY_PASSWORD and DRAY_REGISTRY'
  // DRAY_REGISTRY alone names the registry of the flags.
  if (!isSet(username) && !isSet(password)) return unset('variables', where)
  if (isSet(username) && isSet(password) && isSet(registry))
    return single('variables', where, registry, async () => ({ username, password }))
  const all = { DRAY_USERNAME: username, DRAY_PASSWORD: password, DRAY_REGISTRY: registry }
  const missing = Object.entries(all).flatMap(([name, value]) => (isSet(value) ? [] : [name]))
  const error = new DrayError(
    'config',
    `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set`,
    {
      why: 'credentials from variables need a user, a password, and their registry',
      hint: 'Set DRAY_USERNAME, DRAY_PASSWORD and DRAY_REGISTRY, or none of them.',
    },
  )
  return { name: 'variables', where, find: () => Promise.reject(error) }
}

/** One user and password for one registry or namespace. */
function single(
  name: SourceName,
  where: string,
  registry: string,
  read: () => Promise<{ readonly username: string; readonly password: string }>,
): Source {
  const { key, ignored } = parseKey(registry)
  return {
    name,
    where,
    find: async (asked, path, _, isPlainHttp): Promise<FoundCredential | NoCredential> => {
      if (key === undefined) throw notARegistry(where, ignored)
      if (!keysFor(asked, path, isPlainHttp).includes(key)) return { why: 'no entry' }
      const { username, password } = await read()
      return { credential: credentialOf(username, password), key }
    },
  }
}

/**
 * Credentials were given for something that is no registry. Requests without them could succeed by
 * accident.
 */
function notARegistry(where: string, { text, why }: IgnoredKey): DrayError {
  return new DrayError('config', `${JSON.stringify(text)} is not a registry`, {
    subject: text,
    why: `${why}; it is the value of ${where}`,
    hint: 'Write the registry as HOST, HOST:PORT or HOST/NAMESPACE.',
  })
}

function unset(name: SourceName, where: string = name): Source {
  return { name, where, find: () => Promise.resolve({ why: 'not set' }) }
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}
