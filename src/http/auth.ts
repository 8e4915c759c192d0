import type { Call } from '../call.ts'
import type { Clock } from '../clock.ts'
import { DrayError } from '../errors.ts'
import { formatRepository } from '../oci/reference.ts'
import type { AuthSession } from './auth-session.ts'
import type { CredentialSource } from './credential.ts'
import type { Fetch, Middleware, RegistryRequest, RegistryResponse, Scope } from './fetch.ts'
import { registryOrigin, type RegistrySettingsMap } from './origins.ts'
import { redactUrl } from './redact.ts'
import { RegistryAuth } from './registry-auth.ts'
import type { Secrets } from './secrets.ts'
import { loginHint } from './token.ts'

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

/** Sends with what is known; a 401 to credentials is answered once. */
async function knock(
  session: AuthSession,
  request: RegistryRequest,
  send: Send,
  call: Call,
): Promise<RegistryResponse> {
  const first = await session.pass(request.scopes, call)
  const response = await send(first.header)
  if (response.status !== 401) {
    session.admitted(first)
    return response
  }
  let refused = first
  let answer = response
  // what came without credentials was asked for them; what came with them gets one second try
  for (let left = first.header === undefined ? 2 : 1; left > 0; left--) {
    await answer.discard()
    const challenge = answer.headers.get('www-authenticate') ?? ''
    const pass = await session.renew(refused, challenge, request.scopes, call)
    if (pass === undefined) break
    refused = pass
    answer = await send(pass.header)
    if (answer.status !== 401) {
      session.admitted(pass)
      return answer
    }
  }
  await answer.discard()
  const hadToken = refused.entry !== undefined
  throw hadToken ? notGranted(request, session.hasCredential) : unauthorized(request, session.hasCredential)
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

/** A token was given, and is not enough: the token server left out a right that was asked for (distribution, token scope documentation). */
function notGranted(request: RegistryRequest, hadCredentials: boolean): DrayError {
  const { registry, scopes } = request
  const [scope] = scopes
  if (scope === undefined) return unauthorized(request, hadCredentials)
  const isCatalog = 'catalog' in scope
  const right = isCatalog
    ? 'list its repositories'
    : `${scope.actions.join(' and ')} in ${scope.repository.path}`
  return new DrayError('unauthorized', `${registry} does not let us ${right}`, {
    subject: subjectOf(request),
    status: 401,
    why: hadCredentials
      ? `the credentials that were found for ${registry} are good, but not for that`
      : `no credentials were found for ${registry}, and without them that is not allowed`,
    hint: hadCredentials
      ? `${isCatalog ? 'Check' : 'Check the name of the repository, and'} whether this user may do that there.`
      : `${isCatalog ? '' : 'Check the name of the repository. '}${loginHint(registry)}`,
  })
}

function unauthorized(request: RegistryRequest, hadCredentials: boolean): DrayError {
  const { registry } = request
  return new DrayError('unauthorized', `${registry} does not let us in`, {
    subject: subjectOf(request),
    status: 401,
    why: hadCredentials
      ? `it refused the credentials that were found for ${registry}`
      : `no credentials were found for ${registry}`,
    hint: loginHint(registry),
  })
}

/** What a request is about: its repository, or the registry as a whole. */
function subjectOf({ registry, scopes: [scope] }: RegistryRequest): string {
  return scope === undefined || 'catalog' in scope ? registry : formatRepository(scope.repository)
}
