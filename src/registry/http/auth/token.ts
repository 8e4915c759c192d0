import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError } from '../../../lib/errors.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import type { BasicCredential, Credential } from '../../credential.ts'
import type { Fetch, RegistryRequest, RegistryResponse } from '../fetch.ts'
import { redactUrl } from '../redact.ts'
import { formatScopes, type ScopeSet } from './scopes.ts'

/** How often a token is requested if the answers cannot be read. */
const maxReads = 3
const maxTokenBody = 64 * 1024
const clientId = 'dray'
/**
 * The lifetime of a token without `expires_in` (distribution, Token Authentication Specification).
 */
const defaultLifetimeS = 60
const maxLifetimeS = 24 * 60 * 60
const maxEarlyS = 30

export interface Token {
  readonly value: string
  /** when to request the next one, before this one expires; milliseconds since 1970 */
  readonly renewAt: number
  /** whether the token server gave it without credentials */
  readonly isAnonymous: boolean
}

export interface TokenRequest {
  readonly registry: string
  readonly realm: URL
  readonly service: string | undefined
  readonly scopes: ScopeSet
  readonly credential: Credential | undefined
}

/**
 * Requests a bearer token from a token server (distribution, Token Authentication Specification and
 * OAuth2 token authentication): GET with a user and a password or without credentials, POST with a
 * refresh token. If the server answers 404 to POST, GET follows without the refresh token: GET
 * could send it only in a URL or as a password.
 * @throws `unauthorized` if the server refuses; `unavailable`; `protocol` for an answer without a
 * token.
 */
export async function requestToken(
  fetch: Fetch,
  request: TokenRequest,
  clock: Clock,
  call: Call,
): Promise<Token> {
  for (let reads = 0; reads < maxReads; reads++) {
    const token = await requestOnce(fetch, request, clock, call)
    if (token !== undefined) return token
  }
  throw new DrayError('protocol', `${describeAnswer(request)} is not a JSON object`, {
    subject: request.registry,
  })
}

/** Undefined for an answer that is not a JSON object: it may be damaged on the way. */
async function requestOnce(
  fetch: Fetch,
  request: TokenRequest,
  clock: Clock,
  call: Call,
): Promise<Token | undefined> {
  const { credential } = request
  const requestedAt = clock.now()
  let response: RegistryResponse | undefined
  if (credential?.kind === 'identity') {
    response = await fetch(postRequest(request, credential.token), call)
    if (response.status === 404) {
      await response.discard()
      response = undefined
    }
  }
  const isAnonymous = credential === undefined || (credential.kind === 'identity' && response === undefined)
  response ??= await fetch(getRequest(request), call)
  const bytes = await response.bytes(maxTokenBody)
  if (response.status !== 200) throw tokenRefused(request, response.status, isAnonymous)
  const answer = parseAnswer(bytes, describeAnswer(request))
  return answer === undefined ? undefined : { ...readToken(answer, request, requestedAt), isAnonymous }
}

function describeAnswer({ realm }: TokenRequest): string {
  return `the answer of the token server ${redactUrl(realm)}`
}

function getRequest({ registry, realm, service, scopes, credential }: TokenRequest): RegistryRequest {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of formatScopes(scopes)) url.searchParams.append('scope', scope)
  const headers = credential?.kind === 'basic' ? { authorization: basicHeader(credential) } : {}
  return { ...common, registry, method: 'GET', url, headers: { ...accept, ...headers } }
}

function postRequest({ registry, realm, service, scopes }: TokenRequest, token: string): RegistryRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: clientId,
    refresh_token: token,
    ...(service !== undefined && { service }),
    ...(scopes.size > 0 && { scope: formatScopes(scopes).join(' ') }),
  })
  const headers = { ...accept, 'content-type': 'application/x-www-form-urlencoded' }
  const body = { kind: 'bytes', bytes: Buffer.from(form.toString()) } as const
  return { ...common, registry, method: 'POST', url: realm, headers, body }
}

const accept = { accept: 'application/json' }
const common = { scopes: [], replay: 'always', lane: 'small' } as const

/** Returns the value of `Authorization` for Basic (RFC 7617). */
export function basicHeader(credential: BasicCredential): string {
  return `Basic ${Buffer.from(basicPair(credential)).toString('base64')}`
}

/** Returns user and password as Basic joins them. */
export function basicPair({ username, password }: BasicCredential): string {
  return `${username}:${password}`
}

function readToken(
  answer: Readonly<Record<string, unknown>>,
  request: TokenRequest,
  requestedAt: number,
): Omit<Token, 'isAnonymous'> {
  const value = [answer['token'], answer['access_token']].find((one) => typeof one === 'string' && one !== '')
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new DrayError('protocol', `${describeAnswer(request)} has no token`, { subject: request.registry })
  const given = answer['expires_in']
  const lifetimeS = typeof given === 'number' && given > 0 ? Math.min(given, maxLifetimeS) : defaultLifetimeS
  const earlyS = Math.min(maxEarlyS, lifetimeS / 4)
  return { value, renewAt: requestedAt + (lifetimeS - earlyS) * 1000 }
}

/** The message of the parser is not used, because it could quote the token. */
function parseAnswer(bytes: Uint8Array, where: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(bytes, where)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function tokenRefused(
  { registry, realm, credential }: TokenRequest,
  status: number,
  isAnonymous: boolean,
): DrayError {
  const server = `the token server ${redactUrl(realm)} of ${registry}`
  const context = { subject: registry, status, why: `it answered with status ${status}` }
  if (status >= 500 || status === 429 || status === 408)
    return new DrayError('unavailable', `${server} does not answer`, {
      ...context,
      why: `${context.why} to every attempt`,
    })
  if (status !== 400 && status !== 401 && status !== 403)
    return new DrayError('protocol', `${server} returned no token`, context)
  const whyAnonymous =
    credential === undefined
      ? `dray requested it without credentials, because it found none for ${registry}`
      : `it does not accept refresh tokens (404 to POST), and dray found no password for ${registry}`
  return new DrayError('unauthorized', `${server} returned no token`, {
    ...context,
    why: isAnonymous ? whyAnonymous : `it refused the credentials for ${registry}`,
    hint: loginHint(registry),
  })
}

/** Returns how to get credentials. */
export function loginHint(registry: string): string {
  return `Log in: dray login ${registry}. To see which credentials dray uses: dray auth explain ${registry}`
}
