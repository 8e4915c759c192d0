import type { Call } from '../../../lib/call.ts'
import type { Clock } from '../../../lib/clock.ts'
import { DrayError } from '../../../lib/errors.ts'
import { notGranted, unauthorized } from './auth-errors.ts'
import type { AuthSession } from './auth-session.ts'
import type { CredentialSource } from '../../credential.ts'
import type { Fetch, Middleware, RegistryRequest, RegistryResponse, Scope } from '../fetch.ts'
import { registryOrigin, type RegistrySettingsMap } from '../transport/origins.ts'
import { redactUrl } from '../redact.ts'
import { RegistryAuth } from './registry-auth.ts'
import type { Secrets } from '../secrets.ts'

export interface AuthOptions {
  readonly settings: RegistrySettingsMap
  readonly credentials: CredentialSource
  readonly tokenFetch: Fetch
  readonly secrets: Secrets
  readonly clock: Clock
}

export interface Auth {
  readonly middleware: Middleware
  /** Names the scopes that a command will need at a registry, the destination's first, so that its first token serves for all of it. */
  expectScopes(registry: string, scopes: readonly Scope[]): void
}

/**
 * Shows each request as the registry's challenge asks for: without credentials, with Basic, or with a bearer token. Credentials are bound to the
 * registry's own origin: a request to anywhere else (an upload's `Location`, a `Link`) carries none.
 * @throws `unauthorized` where the registry answers 401 to all that there is to show; `refused` for a token server that nobody vouched for.
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
      const session = await auth.session(request.scopes, call)
      const leave = await session.enter(request, call)
      try {
        return await knock(session, request, send, call)
      } finally {
        leave()
      }
    },
  }
}

type Send = (authorization: string | undefined) => Promise<RegistryResponse>

/** Anonymous, the token with what the run expects, the token for this request alone, the other name of a repository. */
const mostAttempts = 4

/** Sends a request with what is known, and after a 401 with what the challenge allows. */
async function knock(
  session: AuthSession,
  request: RegistryRequest,
  send: Send,
  call: Call,
): Promise<RegistryResponse> {
  let pass = await session.pass(request.scopes, call)
  let answer = await send(pass.header)
  for (let attempts = 1; answer.status === 401 && attempts < mostAttempts; attempts++) {
    await answer.discard()
    const challenge = answer.headers.get('www-authenticate') ?? ''
    const next = await session.renew(pass, challenge, request.scopes, call)
    if (next === undefined) break
    pass = next
    answer = await send(pass.header)
  }
  if (answer.status !== 401) {
    session.admitted(pass)
    return answer
  }
  await answer.discard()
  const shown = session.shown(pass)
  throw pass.entry === undefined ? unauthorized(request, shown) : notGranted(request, shown)
}

/**
 * One try with a certain `Authorization`. A 401 from elsewhere (where a redirect or a `Location` led) is no challenge of this registry: answering it
 * would hand credentials over.
 */
function sendTo(next: Fetch, request: RegistryRequest, call: Call, home: URL): Send {
  return async (authorization) => {
    const headers = { ...request.headers, ...(authorization !== undefined && { authorization }) }
    const response = await next({ ...request, headers }, call)
    if (response.status !== 401 || response.url.origin === home.origin) return response
    await response.discard()
    throw new DrayError('unauthorized', `${response.url.host} does not let us in`, {
      subject: redactUrl(response.url),
      status: 401,
      why: `${request.registry} sent us there, but credentials for ${request.registry} are for ${home.origin} alone`,
    })
  }
}
