import type { Answer } from '../answer.ts'
import { errorsAnswer } from '../errors.ts'
import type { Exchange } from '../exchange.ts'
import { isRepositoryPath } from '../../oci/reference.ts'
import {
  type AccessAction,
  type AccessControl,
  allowedActions,
  type AuthOptions,
  type ResourceAccess,
  serviceOf,
  type Token,
} from './permissions.ts'
import type { Route } from '../routes.ts'
import { answerTokenRequest } from './tokens.ts'
import { userOfBasic } from './users.ts'

const basicChallenge = 'Basic realm="registry"'

/**
 * Admits a request (undefined) or answers it: 401 with a challenge (RFC 7235; distribution, token
 * authentication), 403, or at `/token` a token.
 */
export async function admit(
  control: AccessControl,
  route: Route,
  exchange: Exchange,
): Promise<Answer | undefined> {
  const { scheme, users } = control.options
  const header = exchange.header('authorization')
  if (scheme === 'bearer') {
    return route.kind === 'token'
      ? answerTokenRequest(control, exchange)
      : admitBearer(control, route, exchange)
  }
  const user = header === undefined ? undefined : userOfBasic(header, users)
  if (user !== undefined) exchange.identity.user = user
  else if (header !== undefined || route.kind === 'base') return unauthorized(basicChallenge)
  const needed = accessOf(control.options, route, exchange)
  if (needed.every((access) => mayDoAll(control.options, user, access))) return undefined
  return user === undefined
    ? unauthorized(basicChallenge)
    : errorsAnswer(403, 'DENIED', 'the user may not do that')
}

/** The access that a request needs. `/v2/` needs none beyond a valid identity. */
function accessOf(
  { deletesBy }: AuthOptions,
  route: Route,
  { method, query }: Exchange,
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

function admitBearer(control: AccessControl, route: Route, exchange: Exchange): Answer | undefined {
  const needed = accessOf(control.options, route, exchange)
  const header = exchange.header('authorization')
  const token = control.tokens.get(/^bearer\s+(\S+)\s*$/i.exec(header ?? '')?.[1] ?? '')
  const isGood = token !== undefined && control.clock.now() < token.expiresAt
  if (isGood && token.user !== undefined) exchange.identity.user = token.user
  if (isGood && needed.every((access) => covers(token, access))) return undefined
  const scope = needed.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`).join(' ')
  const problem = isGood ? 'insufficient_scope' : 'invalid_token'
  return unauthorized(
    `Bearer realm="${exchange.origin}/token",service="${serviceOf(control, exchange)}"` +
      (scope === '' ? '' : `,scope="${scope}"`) +
      (header === undefined ? '' : `,error="${problem}"`),
  )
}

function covers(token: Token, { type, name, actions }: ResourceAccess): boolean {
  const granted = token.access.filter((access) => access.type === type && access.name === name)
  return actions.every((action) => granted.some((access) => access.actions.includes(action)))
}

function mayDoAll(options: AuthOptions, user: string | undefined, access: ResourceAccess): boolean {
  return allowedActions(options, user, access).length === access.actions.length
}

function unauthorized(challenge: string): Answer {
  const answer = errorsAnswer(401, 'UNAUTHORIZED', 'authentication is required')
  return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': challenge } }
}
