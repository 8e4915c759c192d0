import { DrayError } from '../../../lib/errors.ts'
import { isLoopback } from '../../../oci/registry-host.ts'
import { bypasses } from './no-proxy.ts'
import { basicHeader } from '../auth/token.ts'

/** A proxy, and the variable that names it. */
export interface Proxy {
  /** with user and password, if it has them */
  readonly url: URL
  readonly variable: string
}

/** The environment. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>

/**
 * Returns the proxy for a URL by the variables, as `httpproxy` of Go reads them: `HTTPS_PROXY` or
 * `HTTP_PROXY` by the scheme of the URL, or `ALL_PROXY`. Lower case comes first. `NO_PROXY`
 * excludes hosts, and this machine never uses a proxy for itself. `HTTP_PROXY` in upper case is
 * ignored in a CGI script, because a client could set it (httpoxy.org).
 * @throws `config` for a proxy that is no URL or does not speak http.
 */
export function proxyFor(address: URL, env: ProxyVariables): Proxy | undefined {
  const found = named(address, env)
  if (found === undefined) return undefined
  if (address.hostname === 'localhost' || isLoopback(address.hostname)) return undefined
  if (bypasses(address, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return undefined
  return { url: parseProxy(found.text, found.variable), variable: found.variable }
}

function named(
  address: URL,
  env: ProxyVariables,
): { readonly text: string; readonly variable: string } | undefined {
  const isSecure = address.protocol === 'https:'
  const isCgi = env['REQUEST_METHOD'] !== undefined
  const own = isSecure ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', ...(isCgi ? [] : ['HTTP_PROXY'])]
  for (const variable of [...own, 'all_proxy', 'ALL_PROXY']) {
    const text = env[variable]?.trim() ?? ''
    if (text !== '') return { text, variable }
  }
  return undefined
}

/** A host without a scheme speaks plain http. */
function parseProxy(text: string, variable: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  // The text is not shown, because it may contain a password.
  if (url === undefined || url.hostname === '' || !hasReadableUser(url))
    throw new DrayError('config', `${variable} is not a proxy URL`, {
      hint: `Write it as ${variable}=http://proxy.example.com:3128`,
    })
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  throw new DrayError(
    'config',
    `${variable} names a proxy with the unsupported protocol ${url.protocol.replace(':', '')}`,
    {
      subject: showProxy(url),
      why: 'dray supports http and https proxies',
      hint: 'Use an http or https proxy, or exclude the registry with NO_PROXY.',
    },
  )
}

/** Returns the proxy without user and password. */
export function showProxy({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}

/** Returns the user and the password of a URL. Only the proxy may get them. */
export function proxyUser({
  username,
  password,
}: URL): { readonly user: string; readonly password: string } | undefined {
  if (username === '' && password === '') return undefined
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
}

/** Returns `Proxy-Authorization` for them. */
export function proxyAuthorization(url: URL): string | undefined {
  const found = proxyUser(url)
  return found && basicHeader({ kind: 'basic', username: found.user, password: found.password })
}

function hasReadableUser(url: URL): boolean {
  try {
    proxyUser(url)
    return true
  } catch {
    // The percent sign begins no escape.
    return false
  }
}
