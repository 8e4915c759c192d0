import { type EndpointResponse, jsonResponse } from '../response.ts'
import { errorsResponse } from '../errors.ts'
import type { EndpointRequest } from '../request.ts'
import { type AccessControl, allowedActions, type ResourceAccess, serviceOf } from './permissions.ts'
import { hasPassword, userOfBasic } from './users.ts'

const defaultLifetime = 300
const maxFormSize = 64 * 1024

/**
 * Answers `/token`: GET with or without a password in `Authorization` (distribution,
 * spec/auth/token.md), POST with a form (spec/auth/oauth.md). The token has those of the requested
 * actions that are allowed, possibly none. All `scope` parameters go into one token.
 */
export async function answerTokenRequest(
  control: AccessControl,
  request: EndpointRequest,
): Promise<EndpointResponse> {
  if (request.method === 'GET') return answerGet(control, request)
  if (request.method === 'POST') return answerPost(control, request)
  return errorsResponse(405, 'UNSUPPORTED', `${request.method} is not allowed here`)
}

function answerGet(control: AccessControl, request: EndpointRequest): EndpointResponse {
  const header = request.header('authorization')
  const user = header === undefined ? undefined : userOfBasic(header, control.options.users)
  if (header !== undefined && user === undefined) {
    const answer = errorsResponse(401, 'UNAUTHORIZED', 'no such user with this password')
    return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': 'Basic realm="registry"' } }
  }
  const offline = request.query.get('offline_token') === 'true'
  return issue(control, request, user, request.query.getAll('scope'), offline)
}

async function answerPost(control: AccessControl, request: EndpointRequest): Promise<EndpointResponse> {
  const form = await readForm(request)
  if (form === undefined) return oauthError('invalid_request')
  const grant = form.get('grant_type')
  if (grant !== 'password' && grant !== 'refresh_token') return oauthError('unsupported_grant_type')
  const user = grant === 'password' ? userOfForm(control, form) : userOfRefreshToken(control, form)
  if (user === undefined) return oauthError('invalid_grant')
  return issue(control, request, user, form.getAll('scope'), form.get('access_type') === 'offline')
}

function userOfForm({ options }: AccessControl, form: URLSearchParams): string | undefined {
  const user = form.get('username') ?? ''
  return hasPassword(options.users, user, form.get('password') ?? '') ? user : undefined
}

function userOfRefreshToken({ refreshTokens }: AccessControl, form: URLSearchParams): string | undefined {
  return refreshTokens.get(form.get('refresh_token') ?? '')
}

function issue(
  control: AccessControl,
  request: EndpointRequest,
  user: string | undefined,
  scopes: readonly string[],
  offline: boolean,
): EndpointResponse {
  const { clock, options, tokens } = control
  const requested = scopes.flatMap(parseScopes)
  if (options.deletesBy === 'push' && requested.some(({ actions }) => actions.includes('delete'))) {
    return errorsResponse(400, 'INVALID_REQUEST', 'the action delete does not exist')
  }
  const now = clock.now()
  for (const [old, { expiresAt }] of tokens) if (expiresAt <= now) tokens.delete(old)
  const lifetime = options.tokenLifetime ?? defaultLifetime
  const token = control.newSecret()
  const access = requested.map((one) => ({ ...one, actions: allowedActions(options, user, one) }))
  tokens.set(token, { user, access, expiresAt: now + lifetime * 1000 })
  if (user !== undefined) request.identity.user = user
  return jsonResponse(200, {
    token,
    access_token: token,
    expires_in: lifetime,
    issued_at: new Date(now).toISOString(),
    ...(offline && user !== undefined && { refresh_token: newRefreshToken(control, user) }),
    ...(request.method === 'POST' && { token_type: 'Bearer', scope: scopes.join(' ') }),
    service: serviceOf(control, request),
  })
}

function newRefreshToken({ refreshTokens, newSecret }: AccessControl, user: string): string {
  const secret = newSecret()
  refreshTokens.set(secret, user)
  return secret
}

/** Parses `type:name:action,action`, separated by spaces. A name may contain a port. */
function parseScopes(text: string): readonly ResourceAccess[] {
  return text.split(' ').flatMap((scope) => {
    const match = /^([a-z]+)(?:\([a-z0-9]+\))?:(.+):([a-z_*,]*)$/.exec(scope)
    if (match === null) return []
    const [, type = '', name = '', actions = ''] = match
    return [{ type, name, actions: actions.split(',').filter((action) => action !== '') }]
  })
}

async function readForm(request: EndpointRequest): Promise<URLSearchParams | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > maxFormSize) return undefined
    chunks.push(chunk)
  }
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

/** RFC 6749, section 5.2. */
function oauthError(error: string): EndpointResponse {
  return jsonResponse(400, { error })
}
