import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { notGranted, unauthorized, unclearChallenge } from './auth-errors.ts'
import type { AuthSession } from './auth-session.ts'
import type { Authorization } from './authorization.ts'
import type { Fetch, Middleware, RegistryRequest, RegistryResponse, Scope } from '../fetch.ts'
import { registryOrigin, type RegistrySettingsMap } from '../transport/origins.ts'
import { redactUrl } from '../redact.ts'
import { readAhead } from '../response.ts'
import { RegistryAuth, type RegistryAuthOptions } from './registry-auth.ts'

export interface AuthOptions extends Omit<RegistryAuthOptions, 'registry' | 'origin' | 'settings'> {
  readonly settings: RegistrySettingsMap
}

export interface Auth {
  readonly middleware: Middleware
  /**
   * Adds scopes that the run will need, the destination's first, so that one token covers all of
   * them.
   */
  expectScopes(registry: string, scopes: readonly Scope[]): void
}

/**
 * Authenticates each request as the registry's challenge demands: without credentials, with Basic,
 * or with a bearer token. Credentials belong to the registry's own origin: a request to any other
 * origin (the `Location` of an upload, a `Link`) carries none.
 * @throws `unauthorized` if the registry answers 401 to all that dray can send; `refused` for a
 * token server of another host that no configuration names.
 */
export function createAuth(options: AuthOptions): Auth {
  const registries = new Map<string, RegistryAuth>()
  const authOf = (registry: string): RegistryAuth => {
    const known = registries.get(registry)
    if (known !== undefined) return known
    const settings = options.settings.get(registry)
    const origin = registryOrigin(registry, settings)
    const auth = new RegistryAuth({ ...options, registry, origin, settings })
    registries.set(registry, auth)
    return auth
  }

  return {
    expectScopes: (registry, scopes) => authOf(registry).expect(scopes),
    middleware: (next) => async (request, call) => {
      const auth = authOf(request.registry)
      const send = sendTo(next, request, call, auth.origin)
      if (request.url.origin !== auth.origin.origin) return send(undefined)
      const session = auth.knownSession(request.scopes) ?? (await auth.session(request.scopes, call))
      const result = await attempt(session, request, send, call)
      if (!('refusal' in result)) return result
      const renewed = isExpired(session, result)
        ? await auth.renewedSession(session, request.scopes, call)
        : undefined
      const last = renewed === undefined ? result : await attempt(renewed, request, send, call)
      if ('refusal' in last) throw last.refusal
      return last
    },
  }
}

/** The registry or its token server refused all that the session can send. */
interface RefusedAnswer {
  readonly refusal: DrayError
  /** whether the credential was refused, and not a permission */
  readonly isOfCredential: boolean
}

/** The registry accepted the credential before. */
function isExpired({ isCredentialAccepted }: AuthSession, { isOfCredential }: RefusedAnswer): boolean {
  return isCredentialAccepted && isOfCredential
}

async function attempt(
  session: AuthSession,
  request: RegistryRequest,
  send: Send,
  call: Call,
): Promise<RegistryResponse | RefusedAnswer> {
  if (!session.hasCredential) return authenticate(session, request, send, call)
  const endWaiting = await session.waitForChallenge(request, call)
  try {
    return await authenticate(session, request, send, call)
  } finally {
    endWaiting()
  }
}

type Send = (authorization: string | undefined) => Promise<RegistryResponse>

/**
 * Anonymous, the token with what the run expects, the token for this request alone, the other name
 * of a repository.
 */
const mostAttempts = 4

/** Sends a request with what is known, and after a refusal with what the challenge allows. */
async function authenticate(
  session: AuthSession,
  request: RegistryRequest,
  send: Send,
  call: Call,
): Promise<RegistryResponse | RefusedAnswer> {
  const known = session.authorize(request.scopes, call)
  const first = known instanceof Promise ? await orRefused(known) : known
  if ('refusal' in first) return first
  let authorization: Authorization = first
  let { answer, challenge } = await judge(session, authorization, request, send, call)
  for (let attempts = 1; challenge !== undefined && attempts < mostAttempts; attempts++) {
    const next = await orRefused(session.renew(authorization, challenge, request.scopes, call))
    if (next === undefined) break
    if ('refusal' in next) return next
    authorization = next
    ;({ answer, challenge } = await judge(session, authorization, request, send, call))
  }
  if (challenge === undefined) {
    session.noteAccepted(authorization)
    return answer
  }
  const use = session.credentialUse(authorization)
  // The token server accepted the credential.
  if (authorization.entry !== undefined) return { refusal: notGranted(request, use), isOfCredential: false }
  const unclear = session.unclearChallenge
  const refusal = unclear === undefined ? unauthorized(request, use) : unclearChallenge(request, use, unclear)
  return { refusal, isOfCredential: true }
}

/** Returns a refusal by the token server as a value. */
async function orRefused<T>(work: Promise<T>): Promise<T | RefusedAnswer> {
  try {
    return await work
  } catch (error) {
    if (isDrayError(error) && error.code === 'unauthorized') return { refusal: error, isOfCredential: true }
    throw error
  }
}

/** An answer, and the challenge if it is refused. The body of a refused one was discarded. */
interface Judged {
  readonly answer: RegistryResponse
  readonly challenge: string | undefined
}

/**
 * Sends a request. A 401 is a challenge. Some registries answer 404 or 403 to an anonymous request
 * for what is private, and challenge `GET /v2/` only. If there are credentials that were not sent,
 * the challenge of `GET /v2/` counts then.
 */
async function judge(
  session: AuthSession,
  { header }: Authorization,
  request: RegistryRequest,
  send: Send,
  call: Call,
): Promise<Judged> {
  const answer = await send(header)
  const { status, headers } = answer
  if (status === 401) {
    await answer.discard()
    return { answer, challenge: headers.get('www-authenticate') ?? '' }
  }
  const mayHide = header === undefined && (status === 404 || status === 403)
  // A request without scopes is `GET /v2/` itself.
  if (!mayHide || !session.hasCredential || request.scopes.length === 0)
    return { answer, challenge: undefined }
  if (!isOfRegistry(answer, request)) return { answer, challenge: undefined }
  // An unread body would keep its connection, which `GET /v2/` may need.
  const kept = await readAhead(answer)
  return { answer: kept, challenge: await session.rootChallenge(call) }
}

/** Whether the registry itself answered, and not a storage to which it redirected. */
function isOfRegistry({ url }: RegistryResponse, request: RegistryRequest): boolean {
  return url.origin === request.url.origin
}

/**
 * Returns the function that sends the request with an `Authorization`. A 401 from another origin,
 * to which a redirect or a `Location` led, is no challenge of this registry: credentials would go
 * there.
 */
function sendTo(next: Fetch, request: RegistryRequest, call: Call, home: URL): Send {
  return async (authorization) => {
    const response = await next(
      authorization === undefined ? request : withHeader(request, authorization),
      call,
    )
    if (response.status !== 401 || response.url.origin === home.origin) return response
    await response.discard()
    throw new DrayError('unauthorized', `${response.url.host} denied access`, {
      subject: redactUrl(response.url),
      status: 401,
      why: `${request.registry} redirected to it, and dray sends the credentials for ${request.registry} to ${home.origin} only`,
    })
  }
}

function withHeader(request: RegistryRequest, authorization: string): RegistryRequest {
  return { ...request, headers: { ...request.headers, authorization } }
}
