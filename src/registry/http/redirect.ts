import { DrayError } from '../../lib/errors.ts'
import type { Middleware, RegistryRequest, RegistryResponse } from './fetch.ts'
import { redactUrl } from './redact.ts'
import { keepHttps } from './transport/origins.ts'
import { transportFailure } from './transport/transport-failure.ts'

const maxRedirects = 5
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** Keep the method and the body (RFC 9110, sections 15.4.8 and 15.4.9). */
const keepingStatuses: ReadonlySet<number> = new Set([307, 308])

/**
 * Follows redirects of GET and HEAD, and 307 and 308 of other methods, whose body is opened anew.
 * Returns any other answer, also 301, 302 and 303 to a write: Go's clients, and so most others,
 * send a GET then, which writes nothing. Credentials belong to one origin: a redirect to another
 * one drops them for good. A retry begins at the registry's own URL, so that an expired signed URL
 * is renewed.
 * @throws `protocol` for a sixth redirect, a step from https to http, a `Location` that is no http
 * URL, or a write that would leave its origin, unless it sends the bytes of a blob.
 */
export const redirect: Middleware = (next) => async (request, call) => {
  let current = request
  let departure: RegistryResponse | undefined
  for (let hops = 0; ; hops++) {
    let response: RegistryResponse
    try {
      response = await next(current, call)
    } catch (error) {
      if (departure === undefined || transportFailure(error) === undefined) throw error
      return departure
    }
    const location = response.headers.get('location')
    const followed = isRead(request) ? redirectStatuses : keepingStatuses
    if (!followed.has(response.status) || location === undefined) {
      if (departure === undefined || response.status === 200) return response
      await response.discard()
      return departure
    }
    await response.discard()
    try {
      if (hops === maxRedirects) throw refused(request.url, `it redirected more than ${maxRedirects} times`)
      const url = target(location, current.url)
      if (url.origin !== current.url.origin && !mayLeaveOrigin(request))
        throw refused(current.url, `it redirected a ${request.method} to another origin, ${url.origin}`)
      current = hop(current, url)
    } catch (error) {
      if (request.returnsRedirect === true) return departure ?? response
      throw error
    }
    if (request.returnsRedirect === true && current.url.origin !== request.url.origin) departure ??= response
  }
}

function isRead({ method }: RegistryRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/**
 * A registry may have its storage receive the bytes of a blob. It may not have this machine change
 * anything else at a host that only this machine can reach.
 */
function mayLeaveOrigin(request: RegistryRequest): boolean {
  return isRead(request) || request.lane === 'upload'
}

function target(location: string, from: URL): URL {
  const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw refused(from, 'it redirected to a URL that is not an HTTP URL')
  keepHttps(url, from)
  if (from.protocol === 'https:' && url.protocol === 'http:')
    throw refused(from, `it redirected from https to plain HTTP, to ${url.host}`)
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

/** Also those of AWS: its SSO authenticates with a header of its own. */
const credentialHeaders: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-amz-security-token',
  'x-amz-sso_bearer_token',
])

function refused(url: URL, why: string): DrayError {
  return new DrayError('protocol', `dray did not follow a redirect of ${url.host}`, {
    subject: redactUrl(url),
    why,
  })
}
