import type { VendorImitation, VendorState } from '../vendor.ts'
import type { EndpointResponse } from '../../response.ts'
import { accountOf, clientOf } from './accounts.ts'
import { answerWithTag, notFound, refused } from './answers.ts'
import {
  deleteVersion,
  getPackage,
  getVersion,
  type GitHubCall,
  listPackages,
  listVersions,
  mayRead,
  restoreVersion,
} from './endpoints.ts'
import { RequestLimits } from './limits.ts'
import { type GitHubRoute, type PackagePath, packagePath, routeOf } from './paths.ts'
import { PackageVersions } from './versions.ts'

/**
 * GitHub's REST API for packages (docs.github.com/rest/packages/packages). GitHub Enterprise Server
 * has it below `/api/v3`. Traits:
 * - `users`: all accounts are users; by default only those that are users of the registry
 * - `public`: everyone may read the packages, and more than 5,000 downloads protect `lockedTags`
 * - `lost-answers`: a delete is answered with 500
 * - `secondary-limit`: 900 points in a minute
 */
export const ghcr: VendorImitation = {
  profile: 'ghcr',
  answer: async (request, state) => {
    const route = routeOf(request.path, state)
    if (route === undefined) return undefined
    const { limits, versions } = memoryOf(state)
    const limited = limits.count(request.method)
    if (limited !== undefined) return limited
    const response = await answerRoute(route, { request, state, versions })
    if (response.status === 304) limits.uncount()
    return { ...response, headers: { ...limits.headers(), ...response.headers } }
  },
}

interface GitHubMemory {
  readonly limits: RequestLimits
  readonly versions: PackageVersions
}

const memories = new WeakMap<VendorState, GitHubMemory>()

function memoryOf(state: VendorState): GitHubMemory {
  const known = memories.get(state)
  if (known !== undefined) return known
  const created = { limits: new RequestLimits(state), versions: new PackageVersions(state) }
  memories.set(state, created)
  return created
}

async function answerRoute(route: GitHubRoute, call: GitHubCall): Promise<EndpointResponse> {
  const { request, state } = call
  const client = clientOf(request, state)
  if (client === undefined) return refused(401, 'Requires authentication')
  if (client.user !== undefined) request.identity.user = client.user
  const { owner, rest } = route
  const login = route.login ?? client.user
  if (owner === 'user' && (client.isInstallation || login === undefined))
    return refused(403, 'Resource not accessible by integration')
  if (login === undefined || login === '') return notFound()
  const account = accountOf(login, state)
  if (owner === 'orgs' && account.type === 'User') return notFound()
  const [packages, type, name, list, id, restore] = rest
  if (packages === undefined) return answerWithTag(request, account)
  if (packages !== 'packages' || rest.length > 6) return notFound()
  if (owner === 'users' && account.type === 'Organization') return notFound()
  if (type === undefined) return await listPackages(route, account.login, client, call)
  const repository = `${login.toLowerCase()}/${name}`
  if (type !== 'container' || !(await mayRead(repository, route, client, call))) return notFound()
  const at: PackagePath = { ...packagePath(route, account, name ?? ''), repository }
  if (list === undefined) return await onlyGet(call, () => getPackage(at, call))
  if (list !== 'versions') return notFound()
  if (id === undefined) return await onlyGet(call, () => listVersions(at, call))
  if (restore === 'restore' && request.method === 'POST') return await restoreVersion(at, id, client, call)
  if (restore !== undefined) return notFound()
  if (request.method === 'DELETE') return await deleteVersion(at, id, client, call)
  return await onlyGet(call, () => getVersion(at, id, call))
}

async function onlyGet(
  { request }: GitHubCall,
  answer: () => Promise<EndpointResponse>,
): Promise<EndpointResponse> {
  return request.method === 'GET' || request.method === 'HEAD' ? await answer() : notFound()
}
