import { isPlain, normalRegistry, splitRegistry } from '../../oci/registry-host.ts'

/** The key of Docker Hub in docker's file. */
const dockerHubKey = 'https://index.docker.io/v1/'

const namespaceGrammar = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/
/**
 * The paths of a registry's API. Docker keeps other secrets under longer paths, such as
 * `/v1/refresh-token`.
 */
const apiPath = /^\/?$|^\/v[12]\/?$/

/** The registry or repository that a key of docker's or podman's file names. */
export type ParsedKey =
  /** `host[:port][/namespace]` */
  | { readonly key: string; readonly ignored?: undefined }
  | { readonly key?: undefined; readonly ignored: IgnoredKey }

/** An entry of such a file that dray does not use. */
export interface IgnoredKey {
  /** in the spelling of the file, without a password */
  readonly text: string
  readonly why: string
  /** the registry that it mentions, if that is known */
  readonly registry?: string
}

/**
 * Parses a key of docker's or podman's file. A URL is for its host if its path is empty or the root
 * of the registry API. A key without a scheme can continue with a namespace
 * (containers-auth.json(5)). Every other key is for no registry.
 */
export function parseKey(text: string): ParsedKey {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)
  return scheme === null ? parseBareKey(text) : parseUrlKey(text, scheme[1]?.toLowerCase() ?? '')
}

function parseUrlKey(text: string, scheme: string): ParsedKey {
  const [, authority = '', path = '', rest = ''] = /^[^:]+:\/\/([^/?#]*)([^?#]*)(.*)$/s.exec(text) ?? []
  const host = normalRegistry(authority)
  if (scheme !== 'https' && scheme !== 'http') return ignored(text, `${scheme} is not https or http`)
  if (host === undefined) return ignored(text, noHost)
  if (rest !== '') return ignored(text, 'a URL with a query or a fragment is not a registry')
  if (!apiPath.test(path)) return ignored(text, 'only the paths /, /v1 and /v2 are a registry')
  const { host: bare, port } = splitRegistry(host)
  return { key: port === (scheme === 'https' ? '443' : '80') ? bare : host }
}

function parseBareKey(text: string): ParsedKey {
  const slash = text.indexOf('/')
  const host = normalRegistry(slash < 0 ? text : text.slice(0, slash))
  if (host === undefined) return ignored(text, noHost)
  const path = slash < 0 ? '' : text.slice(slash)
  if (apiPath.test(path)) return { key: host }
  const namespace = path.slice(1).replace(/\/$/, '')
  if (!namespaceGrammar.test(namespace)) return ignored(text, 'its path is not a repository path')
  return { key: `${host}/${namespace}` }
}

const noHost = 'it does not name a host'

function ignored(text: string, why: string): ParsedKey {
  const [mentioned = ''] = text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '').split(/[/?#\\]/)
  const host = normalRegistry(mentioned.slice(mentioned.lastIndexOf('@') + 1))
  return { ignored: { text: withoutPassword(text), why, ...(host !== undefined && { registry: host }) } }
}

/** Returns a key without its password: `https://USER:PASSWORD@HOST` has one. */
function withoutPassword(text: string): string {
  return text.replace(/^((?:[a-z][a-z0-9+.-]*:)?\/*[^/?#:@]*):.*@/is, '$1@')
}

/**
 * Returns which of several keys for one registry wins: docker's own key of Docker Hub, then the
 * host unchanged, then others.
 */
export function precedence(text: string): number {
  if (text === dockerHubKey) return 2
  return parseKey(text).key === text ? 1 : 0
}

/** Returns the key of a registry without a namespace. */
export function registryKey(registry: string): string {
  return normalRegistry(registry) ?? registry
}

/**
 * Returns the keys of a repository, the most specific first: `host/a/b`, `host/a`, `host`. Each is
 * followed by the same with or without the usual port of the scheme, which means the same origin.
 * @param isPlainHttp whether the registry is reached over plain http; by default only loopback
 * names are
 */
export function keysFor(
  registry: string,
  path: string | undefined,
  isPlainHttp: boolean = isPlain(registry),
): string[] {
  const components = path === undefined ? [] : path.split('/')
  const hosts = spellingsOf(registryKey(registry), isPlainHttp ? '80' : '443')
  const namespaces = components.map(
    (_, index) => `/${components.slice(0, components.length - index).join('/')}`,
  )
  return [...namespaces, ''].flatMap((namespace) => hosts.map((host) => host + namespace))
}

/** Returns a registry with and without the usual port, the given spelling first. */
export function spellingsOf(registry: string, usualPort: string): readonly string[] {
  const { host, port } = splitRegistry(registry)
  if (port === undefined) return registry === 'docker.io' ? [registry] : [registry, `${host}:${usualPort}`]
  return port === usualPort ? [registry, host] : [registry]
}

/** Returns the name that docker uses for a key, in its file and with helpers. */
export function helperServer(key: string): string {
  return key === 'docker.io' ? dockerHubKey : key
}
