import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError } from '../../../lib/errors.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import type { BasicCredential, Credential } from '../../credential.ts'
import type { Fetch, RegistryRequest, RegistryResponse } from '../fetch.ts'
import { redactUrl } from '../redact.ts'
import { formatScopes, type ScopeSet } from './scopes.ts'

const maxTokenBody = 64 * 1024
const clientId = 'dray'
/** distribution, token specification: the lifetime where the answer names none. */
const defaultLifetimeS = 60
const maxLifetimeS = 24 * 60 * 60
const maxEarlyS = 30
const triesOfBrokenAnswers = 3

export interface Token {
  readonly value: string
  /** when to ask for another one: earlier than the server's own end of it, so that no request arrives with a stale one; milliseconds since 1970 */
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
 * Requests a bearer token from a token server (distribution, Token Authentication Specification and OAuth2 token
 * authentication): GET with a user and a password or without credentials, POST with a refresh token. If the server
 * answers 404 to POST, GET follows without the refresh token: GET could send it only in a URL or as a password.
 * @throws `unauthorized` if the server refuses; `unavailable`; `protocol` for an answer that holds no token.
 */
export async function requestToken(
  fetch: Fetch,
  request: TokenRequest,
  clock: Clock,
  call: Call,
): Promise<Token> {
  for (let tries = 1; ; tries++) {
    const askedAt = clock.now()
    const { bytes, isAnonymous } = await askForToken(fetch, request, call)
    try {
      return { ...parseToken(bytes, request, askedAt), isAnonymous }
    } catch (error) {
      // an answer that cannot be read may have been damaged on its way
      if (tries === triesOfBrokenAnswers) throw error
    }
  }
}

interface Answer {
  readonly bytes: Uint8Array
  readonly isAnonymous: boolean
}

async function askForToken(fetch: Fetch, request: TokenRequest, call: Call): Promise<Answer> {
  const { credential } = request
  let response: RegistryResponse | undefined
  if (credential?.kind === 'identity') {
    response = await fetch(refreshRequest(request, credential.token), call)
    if (response.status === 404) {
      await response.discard()
      response = undefined
    }
  }
  const isAnonymous = credential === undefined || (credential.kind === 'identity' && response === undefined)
  response ??= await fetch(getRequest(request), call)
  const bytes = await response.bytes(maxTokenBody)
  if (response.status !== 200) throw tokenRefused(request, response.status, isAnonymous)
  return { bytes, isAnonymous }
}

function getRequest(request: TokenRequest): RegistryRequest {
  const { credential } = request
  const url = new URL(request.realm)
  if (request.service !== undefined) url.searchParams.set('service', request.service)
  for (const scope of formatScopes(request.scopes)) url.searchParams.append('scope', scope)
  const headers = credential?.kind === 'basic' ? { authorization: basicHeader(credential) } : {}
  return exchangeOf(request, 'GET', url, headers)
}

function refreshRequest(request: TokenRequest, refreshToken: string): RegistryRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: clientId,
    refresh_token: refreshToken,
    ...(request.service !== undefined && { service: request.service }),
    ...(request.scopes.size > 0 && { scope: formatScopes(request.scopes).join(' ') }),
  })
  const bytes = Buffer.from(form.toString())
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return { ...exchangeOf(request, 'POST', request.realm, headers), body: { kind: 'bytes', bytes } }
}

function exchangeOf(
  { registry }: TokenRequest,
  method: 'GET' | 'POST',
  url: URL,
  headers: Readonly<Record<string, string>>,
): RegistryRequest {
  const accept = { accept: 'application/json' }
  return {
    registry,
    method,
    url,
    headers: { ...accept, ...headers },
    scopes: [],
    replay: 'always',
    lane: 'small',
  }
}

/** The value of `Authorization` for Basic (RFC 7617). */
export function basicHeader(credential: BasicCredential): string {
  return `Basic ${Buffer.from(basicPair(credential)).toString('base64')}`
}

/** User and password as Basic joins them. */
export function basicPair({ username, password }: BasicCredential): string {
  return `${username}:${password}`
}

function parseToken(bytes: Uint8Array, request: TokenRequest, askedAt: number): Omit<Token, 'isAnonymous'> {
  const where = `the answer of the token server ${redactUrl(request.realm)}`
  const answer = readAnswer(bytes, where)
  const value = [answer['token'], answer['access_token']].find((one) => typeof one === 'string' && one !== '')
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new DrayError('protocol', `${where} holds no token`, { subject: request.registry })
  const named = answer['expires_in']
  const lifetimeS = typeof named === 'number' && named > 0 ? Math.min(named, maxLifetimeS) : defaultLifetimeS
  const earlyS = Math.min(maxEarlyS, lifetimeS / 4)
  return { value, renewAt: askedAt + (lifetimeS - earlyS) * 1000 }
}

/** The parser's own words are left out: they could quote the token. */
function readAnswer(bytes: Uint8Array, where: string): Record<string, unknown> {
  try {
    const value = parseJson(bytes, where)
    if (isRecord(value)) return value
  } catch {
    // told below
  }
  throw new DrayError('protocol', `${where} is not a JSON object`)
}

function tokenRefused(request: TokenRequest, status: number, isAnonymous: boolean): DrayError {
  const { registry, credential } = request
  const server = redactUrl(request.realm)
  const context = { subject: registry, status }
  if (status >= 500 || status === 429 || status === 408)
    return new DrayError('unavailable', `the token server ${server} of ${registry} does not answer`, {
      ...context,
      why: `it answered with status ${status}, retries included`,
    })
  if (status === 400 || status === 401 || status === 403)
    return new DrayError('unauthorized', `the token server ${server} of ${registry} gave no token`, {
      ...context,
      why:
        credential === undefined
          ? `it was asked without credentials, for none were found for ${registry}`
          : isAnonymous
            ? `it accepts no refresh token (404 to POST), and only a refresh token was found for ${registry}`
            : `it refused the credentials that were found for ${registry}`,
      hint: loginHint(registry),
    })
  return new DrayError('protocol', `the token server ${server} of ${registry} gave no token`, {
    ...context,
    why: `it answered with status ${status}`,
  })
}

/** How to come to credentials. */
export function loginHint(registry: string): string {
  return `Log in with: dray login ${registry}. Which credentials are used, says: dray auth explain ${registry}`
}
