import { admit } from '../../access/admit.ts'
import { type AccessAction, allowedActions } from '../../access/permissions.ts'
import { hasPassword, userOfBasic } from '../../access/users.ts'
import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import { routeOf } from '../../routes.ts'
import { isDigest } from '../../../oci/digest.ts'
import { isTag } from '../../../oci/reference.ts'
import type { VendorImitation, VendorState } from '../vendor.ts'
import { listVersions } from './list-versions.ts'
import { deleteTagVersion, deleteVersion, forgetFormer, noteDigestPush, noteFormer } from './versions.ts'

const apiRoot = '/api/v1/packages/'

/**
 * Gitea and Forgejo (go-gitea/gitea, routers/api/v1/packages and routers/api/packages/container):
 * the list of package versions and the delete of one. A version is a tag, or a digest that was
 * pushed. A manifest whose last version is deleted or overwritten does not exist any more.
 */
export const gitea: VendorImitation = {
  profile: 'gitea',
  answer: async (request, state) => {
    await forgetFormer(state)
    if (request.path.startsWith(apiRoot)) return await answerApi(request, state)
    return await answerOci(request, state)
  },
}

async function answerApi(request: EndpointRequest, state: VendorState): Promise<EndpointResponse> {
  const parts = request.path.slice(apiRoot.length).split('/').map(decode)
  const [owner = '', type, name = '', version = ''] = parts
  const isList = request.method === 'GET' && parts.length === 1
  const isDelete = request.method === 'DELETE' && parts.length === 4 && type === 'container'
  if (!isList && !isDelete) return failure(404, 'The target could not be found.')
  const refusal = refuse(request, `${owner}/${name}`, isList ? 'pull' : 'delete', state)
  if (refusal !== undefined) return refusal
  if (isList) return await listVersions(owner, request, state)
  const isDeleted = await deleteVersion(`${owner}/${name}`, version, state)
  return isDeleted ? { status: 204 } : failure(404, 'package does not exist')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function failure(status: number, message: string): EndpointResponse {
  return jsonResponse(status, { message, url: 'https://docs.gitea.com/api' })
}

/** Basic with a password or token, or `token TOKEN`. */
function refuse(
  request: EndpointRequest,
  repository: string,
  action: AccessAction,
  { access }: VendorState,
): EndpointResponse | undefined {
  if (access === undefined) return undefined
  const header = request.header('authorization')
  const { users } = access.options
  const token = /^(?:token|bearer)\s+(\S+)$/i.exec(header ?? '')?.[1]
  const user =
    token === undefined
      ? userOfBasic(header ?? '', users)
      : Object.keys(users).find((one) => hasPassword(users, one, token))
  if (header !== undefined && user === undefined) return failure(401, 'user does not exist')
  if (user !== undefined) request.identity.user = user
  const scope = { type: 'repository', name: repository, actions: [action] }
  if (allowedActions(access.options, user, scope).length > 0) return undefined
  return user === undefined ? failure(401, 'token is required') : failure(403, 'user should have permission')
}

/** Notes pushes, and deletes a manifest together with its last tag. */
async function answerOci(
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse | undefined> {
  const route = routeOf(request.path)
  if (route.kind !== 'manifest') return undefined
  const { repository, reference } = route
  if (request.method === 'PUT' && isDigest(reference)) noteDigestPush(repository, reference, state)
  if (request.method === 'PUT' && isTag(reference)) await noteFormer(repository, reference, state)
  if (request.method !== 'DELETE' || !isTag(reference)) return undefined
  const denied = state.access && (await admit(state.access, route, request))
  if (denied !== undefined) return denied
  // A tag that does not exist is refused by the endpoint.
  return (await deleteTagVersion(repository, reference, state)) ? { status: 202 } : undefined
}
