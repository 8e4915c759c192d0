import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import type { VendorState } from '../vendor.ts'
import { hasDigestVersion } from './versions.ts'

/** modules/setting/api.go: MAX_RESPONSE_ITEMS and DEFAULT_PAGING_NUM */
const maxPageSize = 50
const defaultPageSize = 30

interface PackageVersion {
  readonly id: number
  readonly name: string
  readonly version: string
  /** milliseconds since 1970 */
  readonly createdAt: number
}

/**
 * The versions of all packages of an owner whose name contains `q`, the newest first
 * (ListPackages).
 */
export async function listVersions(
  owner: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const { query } = request
  const type = query.get('type') ?? 'container'
  const wanted = (query.get('q') ?? '').trim().toLowerCase()
  const repositories = await state.storage.repositories(undefined, Infinity)
  const versions: PackageVersion[] = []
  for (const repository of type === 'container' ? repositories : []) {
    const name = repository.startsWith(`${owner}/`) ? repository.slice(owner.length + 1) : ''
    if (name !== '' && name.includes(wanted)) versions.push(...(await versionsOf(repository, name, state)))
  }
  versions.sort((a, b) => b.createdAt - a.createdAt || b.id - a.id)
  const asked = Number(query.get('limit') ?? defaultPageSize)
  const size = Math.min(asked > 0 ? asked : defaultPageSize, state.options.pageLimit ?? maxPageSize)
  const page = Math.max(Number(query.get('page') ?? 1), 1)
  const shown = versions.slice((page - 1) * size, page * size).map(({ id, name, version, createdAt }) => ({
    id,
    name,
    version,
    owner: { id: 1, login: owner },
    repository: null,
    creator: { id: 1, login: owner },
    type: 'container',
    html_url: `${request.origin}/${owner}/-/packages/container/${encodeURIComponent(name)}/${version}`,
    created_at: new Date(createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
  }))
  return jsonResponse(200, shown, {
    'X-Total-Count': String(versions.length),
    ...(page * size < versions.length && { Link: linkTo(request, page + 1) }),
  })
}

function linkTo({ origin, path, query }: EndpointRequest, page: number): string {
  const next = new URLSearchParams(query)
  next.set('page', String(page))
  return `<${origin}${path}?${next.toString()}>; rel="next"`
}

async function versionsOf(
  repository: string,
  name: string,
  state: VendorState,
): Promise<readonly PackageVersion[]> {
  const { storage, records } = state
  const versions: PackageVersion[] = []
  for await (const { digest } of storage.manifests(repository)) {
    const id = records.idOf(repository, digest) * 1000
    const tags = await storage.tagsOf(repository, digest)
    for (const [index, tag] of tags.entries()) {
      const createdAt = records.tag(repository, tag).pushedAt
      versions.push({ id: id + index + 1, name, version: tag, createdAt })
    }
    if (await hasDigestVersion(repository, digest, state))
      versions.push({ id, name, version: digest, createdAt: records.manifest(repository, digest).pushedAt })
  }
  return versions
}
