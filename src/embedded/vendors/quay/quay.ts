import { allowedActions } from '../../access/permissions.ts'
import { hasPassword } from '../../access/users.ts'
import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import { HourlyLimit } from '../hourly-limit.ts'
import type { VendorImitation, VendorState } from '../vendor.ts'
import { quayError } from './quay-error.ts'
import { deleteTag, listTags, restoreTag, type QuayState, TagHistory } from './tags.ts'

const repositoryPath = '/api/v1/repository/'

type QuayHandler = (
  target: QuayTarget,
  request: EndpointRequest,
  state: QuayState,
) => Promise<EndpointResponse>

interface QuayTarget {
  readonly repository: string
  /** empty: all tags */
  readonly tag: string
}

interface QuayRoute {
  readonly method: string
  readonly path: RegExp
  readonly action: 'pull' | 'push'
  readonly handle: QuayHandler
}

const routes: readonly QuayRoute[] = [
  {
    method: 'GET',
    path: /^(?<repository>.+?)\/tag\/$/,
    action: 'pull',
    handle: ({ repository }, request, state) => listTags(repository, request, state),
  },
  {
    method: 'DELETE',
    path: /^(?<repository>.+?)\/tag\/(?<tag>[^/]+)$/,
    action: 'push',
    handle: ({ repository, tag }, _, state) => deleteTag(repository, tag, state),
  },
  {
    method: 'POST',
    path: /^(?<repository>.+?)\/tag\/(?<tag>[^/]+)\/restore$/,
    action: 'push',
    handle: ({ repository, tag }, request, state) => restoreTag(repository, tag, request, state),
  },
]

/**
 * The part of the API of Quay about tags (quay/quay, endpoints/api/tag.py). It takes the token of
 * an OAuth application, which is the password of a user here, and ignores Basic, as a robot sends
 * it: the request is then anonymous (auth/decorators.py, process_oauth). Locked tags are immutable.
 * Traits: `read only` and `mirror` are states of all repositories, and `whole history` lists
 * deleted tags despite the filter.
 */
export function createQuayImitation(): VendorImitation {
  const limit = new HourlyLimit()
  const history = new TagHistory()
  return {
    profile: 'quay',
    answer: async (request, vendor) => {
      if (!request.path.startsWith(repositoryPath)) return undefined
      const wait = limit.take(vendor)
      if (wait !== undefined) return jsonResponse(429, {}, { 'Retry-After': String(wait) })
      const path = request.path.slice(repositoryPath.length)
      for (const { method, path: pattern, action, handle } of routes) {
        const groups = method === request.method ? pattern.exec(path)?.groups : undefined
        if (groups === undefined) continue
        const target = { repository: groups['repository'] ?? '', tag: groups['tag'] ?? '' }
        const refused = refusalOf(request, target.repository, action, vendor)
        return refused ?? (await handle(target, request, { ...vendor, history }))
      }
      return quayError(404, 'not_found', 'Not Found')
    },
  }
}

/** Quay names no permission that is missing: 401 without a user, and 403 with one. */
function refusalOf(
  request: EndpointRequest,
  repository: string,
  action: 'pull' | 'push',
  { access }: VendorState,
): EndpointResponse | undefined {
  if (access === undefined) return undefined
  const [, token] = /^bearer\s+(\S+)$/i.exec(request.header('authorization') ?? '') ?? []
  const { users } = access.options
  const user = Object.keys(users).find((name) => token !== undefined && hasPassword(users, name, token))
  if (user !== undefined) request.identity.user = user
  if (user === undefined && request.method !== 'GET')
    return jsonResponse(403, { message: 'CSRF token was invalid or missing.' })
  const scope = { type: 'repository', name: repository, actions: [action] }
  if (allowedActions(access.options, user, scope).length > 0) return undefined
  return user === undefined
    ? quayError(401, 'invalid_token', 'Requires authentication')
    : quayError(403, 'insufficient_scope', 'Unauthorized')
}
