/** Docker Hub in docker's own file. */
const dockerHubKey = 'https://index.docker.io/v1/'
const dockerHubHosts: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/**
 * A key of docker's or podman's file as `host[:port][/namespace]`. Docker's are hosts or URLs, whose path says nothing (docker/cli,
 * `ConvertToHostname`); podman's may go on with a namespace (containers-auth.json, man page), which has no scheme before it.
 */
export function normalKey(key: string): string {
  const scheme = /^https?:\/\//i.exec(key)
  const rest = scheme === null ? key.replace(/\/+$/, '').replace(/\/v[12]$/, '') : key.slice(scheme[0].length)
  const slash = rest.indexOf('/')
  const host = (slash < 0 ? rest : rest.slice(0, slash)).toLowerCase()
  const path = slash < 0 || scheme !== null ? '' : rest.slice(slash)
  return registryNamed(host) + path
}

/** A registry as references name it: Docker Hub has several hosts. */
export function registryNamed(host: string): string {
  return dockerHubHosts.has(host) ? 'docker.io' : host
}

/** The keys that serve a repository, the most specific first: `host/a/b`, `host/a`, `host`. */
export function keysFor(registry: string, path: string | undefined): string[] {
  const pieces = path === undefined ? [] : path.split('/')
  const host = normalKey(registry)
  const namespaced = pieces.map((_, index) => `${host}/${pieces.slice(0, pieces.length - index).join('/')}`)
  return [...namespaced, host]
}

/** The name under which docker keeps what belongs to a normal key, in its file and with helpers. */
export function helperServer(key: string): string {
  return key === 'docker.io' ? dockerHubKey : key
}
