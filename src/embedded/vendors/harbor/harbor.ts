import { admit } from '../../access/admit.ts'
import { allowedActions } from '../../access/permissions.ts'
import { userOfBasic } from '../../access/users.ts'
import { errorsResponse, foreignRefusal } from '../../errors.ts'
import type { EndpointRequest } from '../../request.ts'
import type { EndpointResponse } from '../../response.ts'
import { type EndpointRoute, routeOf } from '../../routes.ts'
import { isDigest } from '../../../oci/digest.ts'
import type { VendorImitation, VendorState } from '../vendor.ts'
import { deleteArtifact, deleteTag } from './deletes.ts'
import { listArtifacts, listRepositories } from './lists.ts'

const apiRoot = '/api/v2.0/'

/**
 * Harbor 2 (goharbor/harbor): the part of its API about artifacts and tags (api/v2.0/swagger.yaml),
 * and its deletes and refused pushes through the OCI API. Every repository belongs to the project
 * that its first component names. With the trait `proxy-cache`, nothing can be pushed
 * (src/server/middleware/repoproxy/proxy.go).
 */
export const harbor: VendorImitation = {
  profile: 'harbor',
  answer: async (request, state) => {
    if (request.path.startsWith(apiRoot)) return withSession(await answerApi(request, state))
    return await answerOci(request, routeOf(request.path), state)
  },
}

/** Harbor starts a session for each client that sends no cookie. */
function withSession(response: EndpointResponse): EndpointResponse {
  return { ...response, headers: { ...response.headers, 'Set-Cookie': 'sid=harbor; Path=/; HttpOnly' } }
}

type Handler = (target: ApiTarget, request: EndpointRequest, state: VendorState) => Promise<EndpointResponse>

/** The parts of a path of the API. */
interface ApiTarget {
  /** with the project; empty: all repositories */
  readonly repository: string
  readonly reference: string
  readonly tag: string
}

interface ApiRoute {
  readonly method: string
  readonly path: RegExp
  readonly action: 'pull' | 'delete'
  readonly handle: Handler
}

const routes: readonly ApiRoute[] = [
  {
    method: 'GET',
    path: /^(?:projects\/(?<project>[^/]+)\/)?repositories$/,
    action: 'pull',
    handle: ({ repository }, request, state) => listRepositories(repository, request, state),
  },
  {
    method: 'GET',
    path: /^projects\/(?<project>[^/]+)\/repositories\/(?<name>[^/]+)\/artifacts$/,
    action: 'pull',
    handle: ({ repository }, request, state) => listArtifacts(repository, request, state),
  },
  {
    method: 'DELETE',
    path: /^projects\/(?<project>[^/]+)\/repositories\/(?<name>[^/]+)\/artifacts\/(?<reference>[^/]+)$/,
    action: 'delete',
    handle: ({ repository, reference }, _, state) => deleteArtifact(repository, reference, state),
  },
  {
    method: 'DELETE',
    path: /^projects\/(?<project>[^/]+)\/repositories\/(?<name>[^/]+)\/artifacts\/(?<reference>[^/]+)\/tags\/(?<tag>[^/]+)$/,
    action: 'delete',
    handle: ({ repository, reference, tag }, _, state) => deleteTag(repository, reference, tag, state),
  },
]

async function answerApi(request: EndpointRequest, state: VendorState): Promise<EndpointResponse> {
  const path = request.path.slice(apiRoot.length)
  for (const { method, path: pattern, action, handle } of routes) {
    const groups = method === request.method ? pattern.exec(path)?.groups : undefined
    const target = groups && targetOf(groups)
    if (target === undefined) continue
    return refuse(request, target.repository, action, state) ?? (await handle(target, request, state))
  }
  return errorsResponse(404, 'NOT_FOUND', `path ${request.path} was not found`)
}

/** The router decodes a parameter, and the handler decodes the name of the repository once more. */
function targetOf(groups: Readonly<Record<string, string | undefined>>): ApiTarget | undefined {
  const project = decode(groups['project'] ?? '')
  const name = decode(groups['name'] ?? '')
  if (project.includes('/') || name.includes('/')) return undefined
  const repository = [project, decode(name)].filter((part) => part !== '').join('/')
  return { repository, reference: decode(groups['reference'] ?? ''), tag: decode(groups['tag'] ?? '') }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Basic for users and robots. A request with a cookie is one of the web page and needs its token.
 */
function refuse(
  request: EndpointRequest,
  repository: string,
  action: ApiRoute['action'],
  { access }: VendorState,
): EndpointResponse | undefined {
  if (request.method !== 'GET' && request.header('cookie') !== undefined)
    return errorsResponse(403, 'FORBIDDEN', 'CSRF token not found in request')
  if (access === undefined) return undefined
  const header = request.header('authorization')
  const user = header === undefined ? undefined : userOfBasic(header, access.options.users)
  if (user !== undefined) request.identity.user = user
  const scope = { type: 'repository', name: repository, actions: [action] }
  const isAllowed = allowedActions(access.options, user, scope).length > 0
  if (isAllowed && (user !== undefined || header === undefined)) return undefined
  return user === undefined
    ? errorsResponse(401, 'UNAUTHORIZED', 'unauthorized')
    : errorsResponse(403, 'FORBIDDEN', 'forbidden')
}

/** Harbor deletes as much through the OCI API as through its own. */
async function answerOci(
  request: EndpointRequest,
  route: EndpointRoute,
  state: VendorState,
): Promise<EndpointResponse | undefined> {
  if (route.kind !== 'manifest') return undefined
  const { repository, reference } = route
  const isDelete = request.method === 'DELETE' && isDigest(reference)
  const refusal = request.method === 'PUT' ? await pushRefusal(repository, reference, state) : undefined
  if (!isDelete && refusal === undefined) return undefined
  const denied = state.access && (await admit(state.access, route, request))
  if (denied !== undefined) return denied
  if (refusal !== undefined) throw refusal
  const deleted = await deleteArtifact(repository, reference, state)
  return deleted.status === 200 ? { status: 202, body: new Uint8Array() } : deleted
}

async function pushRefusal(
  repository: string,
  reference: string,
  { storage, options }: VendorState,
): Promise<Error | undefined> {
  if (options.traits?.has('proxy-cache') === true)
    return foreignRefusal(
      'METHOD_NOT_ALLOWED',
      405,
      `can not push artifact to a proxy project: ${repository}`,
    )
  const isImmutable = options.lockedTags?.includes(reference) === true
  if (!isImmutable || (await storage.tag(repository, reference)) === undefined) return undefined
  const text = `Failed to process request due to '${repository}:${reference}' configured as immutable.`
  return foreignRefusal('PRECONDITION', 412, text)
}
