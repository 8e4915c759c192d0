import { DrayError } from '../../../lib/errors.ts'
import { isLoopback } from '../../../oci/registry-host.ts'
import { bypasses } from './no-proxy.ts'
import { basicHeader } from '../auth/token.ts'

/** A proxy, and the variable that names it. */
export interface Proxy {
  /** with user and password, where it has them */
  readonly url: URL
  readonly variable: string
}

/** The variables that programs agree on. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>

/**
 * The proxy that the variables name for an address, as Go's `httpproxy` reads them, and with it the tools of this field: `HTTPS_PROXY` or `HTTP_PROXY` by the scheme
 * of the address, else `ALL_PROXY`; small letters come first; `NO_PROXY` takes addresses out, and this machine always goes without. `HTTP_PROXY` in capitals counts for nothing in
 * a CGI script, where a client could set it (httpoxy.org).
 * @throws `config` for a proxy that is no address, or speaks another language than http.
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

/** A host alone is one that speaks plain http, as everywhere. */
function parseProxy(text: string, variable: string): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  // the text may have a password
  if (url === undefined || url.hostname === '' || !hasReadableUser(url))
    throw new DrayError('config', `${variable} names no proxy`, {
      hint: `A proxy is written as ${variable}=http://proxy.example.com:3128`,
    })
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  throw new DrayError('config', `${variable} names a proxy that speaks ${url.protocol.replace(':', '')}`, {
    subject: showProxy(url),
    why: 'dray speaks to http and https proxies',
    hint: `Name one of those, or take the registry out by NO_PROXY.`,
  })
}

/** Without user and password. */
export function showProxy({ protocol, host }: URL): string {
  return `${protocol}//${host}`
}

/** The user and the password that an address has; for the proxy alone. */
export function proxyUser({
  username,
  password,
}: URL): { readonly user: string; readonly password: string } | undefined {
  if (username === '' && password === '') return undefined
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) }
}

/** `Proxy-Authorization` for them. */
export function proxyAuthorization(url: URL): string | undefined {
  const found = proxyUser(url)
  return found && basicHeader({ kind: 'basic', username: found.user, password: found.password })
}

function hasReadableUser(url: URL): boolean {
  try {
    proxyUser(url)
    return true
  } catch {
    // a percent sign that begins nothing
    return false
  }
}
