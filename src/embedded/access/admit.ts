import type { EndpointResponse } from '../response.ts'
import { errorsResponse } from '../errors.ts'
import type { EndpointRequest } from '../request.ts'
import { isRepositoryPath } from '../../oci/reference.ts'
import {
  type AccessAction,
  type AccessControl,
  allowedActions,
  type AccessOptions,
  type ResourceAccess,
  serviceOf,
  type IssuedToken,
} from './permissions.ts'
import type { EndpointRoute } from '../routes.ts'
import { answerTokenRequest } from './tokens.ts'
import { userOfBasic } from './users.ts'

const basicChallenge = 'Basic realm="registry"'

/**
 * Admits a request (undefined) or answers it: 401 with a challenge (RFC 7235; distribution, token
 * authentication), 403, or at `/token` a token.
 */
export async function admit(
  control: AccessControl,
  route: EndpointRoute,
  request: EndpointRequest,
): Promise<EndpointResponse | undefined> {
  const { scheme } = control.options
  if (scheme === 'bearer' && route.kind === 'token') return answerTokenRequest(control, request)
  return admitAccess(control, accessOf(control.options, route, request), request, route.kind === 'base')
}

/**
 * Admits a request that needs this access (undefined) or answers it.
 * @param needsUser anonymous requests are challenged, even if they need no access
 */
export function admitAccess(
  control: AccessControl,
  needed: readonly ResourceAccess[],
  request: EndpointRequest,
  needsUser = false,
): EndpointResponse | undefined {
  const { scheme, users } = control.options
  if (scheme === 'bearer') return admitBearer(control, needed, request)
  const header = request.header('authorization')
  const user = header === undefined ? undefined : userOfBasic(header, users)
  if (user !== undefined) request.identity.user = user
  else if (header !== undefined || needsUser) return unauthorized(basicChallenge)
  if (needed.every((access) => mayDoAll(control.options, user, access))) return undefined
  return user === undefined
    ? unauthorized(basicChallenge)
    : errorsResponse(403, 'DENIED', 'the user has no permission')
}

/** The access that a request needs. `/v2/` needs none beyond a valid identity. */
function accessOf(
  { deletesBy }: AccessOptions,
  route: EndpointRoute,
  { method, query }: EndpointRequest,
): readonly ResourceAccess[] {
  if (route.kind === 'catalog') return [{ type: 'registry', name: 'catalog', actions: ['*'] }]
  if (!('repository' in route)) return []
  const on = (name: string, ...actions: AccessAction[]): ResourceAccess => ({
    type: 'repository',
    name,
    actions,
  })
  if (method === 'GET' || method === 'HEAD') {
    return [route.kind === 'upload' ? on(route.repository, 'pull', 'push') : on(route.repository, 'pull')]
  }
  if (method === 'DELETE' && route.kind !== 'upload') {
    return [deletesBy === 'push' ? on(route.repository, 'pull', 'push') : on(route.repository, 'delete')]
  }
  const from = route.kind === 'upload' && query.has('mount') ? query.get('from') : null
  return [
    on(route.repository, 'pull', 'push'),
    ...(from === null || !isRepositoryPath(from) ? [] : [on(from, 'pull')]),
  ]
}

function admitBearer(
  control: AccessControl,
  needed: readonly ResourceAccess[],
  request: EndpointRequest,
): EndpointResponse | undefined {
  const header = request.header('authorization')
  const token = control.tokens.get(/^bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1] ?? '')
  const isGood = token !== undefined && control.clock.now() < token.expiresAt
  if (isGood && token.user !== undefined) request.identity.user = token.user
  if (isGood && needed.every((access) => covers(token, access))) return undefined
  const scope = needed.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`).join(' ')
  const problem = isGood ? 'insufficient_scope' : 'invalid_token'
  return unauthorized(
    `Bearer realm="${request.origin}/token",service="${serviceOf(control, request)}"` +
      (scope === '' ? '' : `,scope="${scope}"`) +
      (header === undefined ? '' : `,error="${problem}"`),
  )
}

function covers(token: IssuedToken, { type, name, actions }: ResourceAccess): boolean {
  const granted = token.access.filter((access) => access.type === type && access.name === name)
  return actions.every((action) => granted.some((access) => access.actions.includes(action)))
}

function mayDoAll(options: AccessOptions, user: string | undefined, access: ResourceAccess): boolean {
  return allowedActions(options, user, access).length === access.actions.length
}

function unauthorized(challenge: string): EndpointResponse {
  const answer = errorsResponse(401, 'UNAUTHORIZED', 'authentication is required')
  return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': challenge } }
}
