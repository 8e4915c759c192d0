import { DrayError } from '../../lib/errors.ts'
import type { Middleware, RegistryRequest } from './fetch.ts'
import { redactUrl } from './redact.ts'

const maxRedirects = 5
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/**
 * Follows redirects of GET and HEAD. Credentials belong to one origin: a redirect to another one
 * drops them for good. A retry begins at the registry's own URL, so that an expired signed URL is
 * renewed.
 * @throws `protocol` for a sixth redirect, a step from https to http, or a `Location` that is no
 * http URL.
 */
export const redirect: Middleware = (next) => async (request, call) => {
  let current = request
  for (let hops = 0; ; hops++) {
    const response = await next(current, call)
    const location = response.headers.get('location')
    if (!mayFollow(request.method) || !redirectStatuses.has(response.status) || location === undefined)
      return response
    await response.discard()
    if (hops === maxRedirects)
      throw refused(request.url, `it redirected more than ${maxRedirects} times in a row`)
    current = hop(current, target(location, current.url))
  }
}

function mayFollow(method: RegistryRequest['method']): boolean {
  return method === 'GET' || method === 'HEAD'
}

function target(location: string, from: URL): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refused(from, 'it redirected to something that is no http address')
  if (from.protocol === 'https:' && url.protocol === 'http:')
    throw refused(from, `it redirected from https to plain http, to ${url.host}`)
  url.username = ''
  url.password = ''
  return url
}

function hop(request: RegistryRequest, url: URL): RegistryRequest {
  if (url.origin === request.url.origin) return { ...request, url }
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !credentialHeaders.has(name.toLowerCase())),
  )
  return { ...request, url, headers }
}

const credentialHeaders: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization'])

function refused(url: URL, why: string): DrayError {
  return new DrayError('protocol', `a redirect of ${url.host} was not followed`, {
    subject: redactUrl(url),
    why,
  })
}
