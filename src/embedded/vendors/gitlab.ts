import type { Digest } from '../../oci/digest.ts'
import { isDigest } from '../../oci/digest.ts'
import { childrenOf } from '../../oci/manifest.ts'
import { isRepositoryPath, isTag } from '../../oci/reference.ts'
import { admitAccess } from '../access/admit.ts'
import { errorsResponse, foreignRefusal, refusal } from '../errors.ts'
import type { EndpointRequest } from '../request.ts'
import { type EndpointResponse, jsonResponse } from '../response.ts'
import { HourlyLimit } from './hourly-limit.ts'
import { listedContent, type ListedTag, listedTags } from './listed-content.ts'
import type { VendorImitation, VendorState } from './vendor.ts'

const maxPage = 1000
const defaultPage = 100

/** A trait: the registry runs without the database that the API needs. */
const noDatabase = 'no metadata database'

const route =
  /^\/gitlab\/v1\/(?:(?<list>repositories|repository-paths)\/(?<name>.+?)\/(?<what>tags|repositories)\/list(?<slash>\/?))?$/
const ociDelete = /^\/v2\/(?<name>.+)\/manifests\/(?<reference>[^/]+)$/

/**
 * Creates an imitation of the API of a GitLab container registry, at `/gitlab/v1/`
 * (gitlab.com/gitlab-org/container-registry, docs/spec/gitlab/api.md). The locked tags are
 * protected container tags.
 */
export function createGitLabImitation(): VendorImitation {
  const limit = new HourlyLimit()
  return {
    profile: 'gitlab',
    answer: async (request, state) => {
      if (request.method === 'DELETE') await checkOciDelete(request.path, state)
      if (!request.path.startsWith('/gitlab/v1/')) return undefined
      const seconds = limit.take(state)
      if (seconds !== undefined) return tooManyRequests(seconds)
      return await answerPath(request, state)
    },
  }
}

async function answerPath(request: EndpointRequest, state: VendorState): Promise<EndpointResponse> {
  const groups = route.exec(request.path)?.groups
  const { name, what } = groups ?? {}
  const isKnown = groups !== undefined && request.method === 'GET'
  if (!isKnown || state.options.traits?.has(noDatabase) === true)
    return { status: 404, body: new Uint8Array() }
  const needed = name === undefined ? [] : [{ type: 'repository', name, actions: ['pull'] }]
  const denied = state.access && admitAccess(state.access, needed, request, true)
  if (denied !== undefined) return denied
  if (name === undefined) return { status: 200, body: new Uint8Array() }
  if (groups?.['slash'] === '')
    return { status: 301, headers: { Location: withSlash(request) }, body: new Uint8Array() }
  if (!isRepositoryPath(name)) throw refusal('NAME_INVALID', 'invalid repository name')
  return what === 'tags'
    ? await listTagDetails(name, request, state)
    : await listSubRepositories(name, request, state)
}

function withSlash({ path, query }: EndpointRequest): string {
  return query.size === 0 ? `${path}/` : `${path}/?${query.toString()}`
}

async function listTagDetails(
  name: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  if (!(await state.storage.hasRepository(name)))
    throw refusal('NAME_UNKNOWN', 'repository name not known to registry')
  const { last, count } = wantedPage(request, state)
  const found = await listedTags(state, name, last, count + 1)
  const shown = found.slice(0, count)
  const details = await Promise.all(shown.map((tag) => tagDetails(name, tag, state)))
  return page(
    request,
    details,
    found.map((tag) => tag.name),
    count,
  )
}

async function tagDetails(
  name: string,
  { name: tag, digest }: ListedTag,
  state: VendorState,
): Promise<object> {
  const listed = await listedContent(state, name, digest)
  const createdAt = state.records.manifest(name, digest).pushedAt
  const publishedAt = Math.max(createdAt, state.records.tag(name, tag).pushedAt)
  const manifest = listed?.manifest
  return {
    name: tag,
    digest,
    ...(manifest?.kind === 'manifest' && { config_digest: manifest.config.digest }),
    media_type: listed?.stored.mediaType,
    size_bytes: await imageBytes(state, name, digest),
    created_at: new Date(createdAt).toISOString(),
    ...(publishedAt > createdAt && { updated_at: new Date(publishedAt).toISOString() }),
    published_at: new Date(publishedAt).toISOString(),
  }
}

/** The size of an index has its children. */
async function imageBytes(state: VendorState, name: string, digest: Digest): Promise<number> {
  const listed = await listedContent(state, name, digest)
  if (listed === undefined) return 0
  const children = childrenOf(listed.manifest).map((child) => imageBytes(state, name, child.digest))
  return (await Promise.all(children)).reduce((sum, bytes) => sum + bytes, listed.contentBytes)
}

/** Repositories with at least one tag, at or below a path. */
async function listSubRepositories(
  base: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const all = await state.storage.repositories(undefined, Infinity)
  const below = all.filter((name) => name === base || name.startsWith(`${base}/`))
  const { last, count } = wantedPage(request, state)
  const found: string[] = []
  for (const name of below) {
    const isAfter = last === undefined || name > last
    if (isAfter && (await state.storage.tags(name, undefined, 1)).length > 0) found.push(name)
  }
  const shown = found.slice(0, count)
  const entries = shown.map((path) => ({ name: path.split('/').at(-1), path }))
  return page(request, entries, found, count)
}

interface GitLabPage {
  readonly last: string | undefined
  readonly count: number
}

function wantedPage({ query }: EndpointRequest, { options }: VendorState): GitLabPage {
  const n = query.get('n') ?? String(defaultPage)
  if (!/^-?\d+$/.test(n)) throw foreignRefusal('INVALID_QUERY_PARAMETER_TYPE', 400, 'n is not a number')
  if (Number(n) < 1 || Number(n) > maxPage)
    throw foreignRefusal('INVALID_QUERY_PARAMETER_VALUE', 400, `n must be between 1 and ${maxPage}`)
  return { last: query.get('last') ?? undefined, count: Math.min(Number(n), options.pageLimit ?? maxPage) }
}

/** `Link` is absolute. It names the page before, too, unless this is the first or last one. */
function page(
  { origin, path, query }: EndpointRequest,
  entries: readonly object[],
  found: readonly string[],
  count: number,
): EndpointResponse {
  const [first] = found
  const end = found[count - 1]
  if (first === undefined || end === undefined || found.length <= count) return jsonResponse(200, entries)
  const link = (rel: string, marker: 'before' | 'last', value: string): string => {
    const parameters = new URLSearchParams({ n: String(count), [marker]: value })
    return `<${origin}${path}?${parameters.toString()}>; rel="${rel}"`
  }
  const previous = query.has('last') ? [link('previous', 'before', first)] : []
  return jsonResponse(200, entries, { Link: [...previous, link('next', 'last', end)].join(', ') })
}

/** @throws a refusal if a protected tag forbids a delete of the OCI API. */
async function checkOciDelete(path: string, { storage, options }: VendorState): Promise<void> {
  const { name, reference } = ociDelete.exec(path)?.groups ?? {}
  const lockedTags = options.lockedTags ?? []
  if (name === undefined || reference === undefined || lockedTags.length === 0) return
  const decoded = decodeURIComponent(reference)
  const tags = isDigest(decoded) ? await storage.tagsOf(name, decoded) : isTag(decoded) ? [decoded] : []
  const tag = tags.find((each) => lockedTags.includes(each))
  if (tag !== undefined) throw refusal('DENIED', `the tag ${tag} is protected`)
}

function tooManyRequests(seconds: number): EndpointResponse {
  const answer = errorsResponse(429, 'TOOMANYREQUESTS', 'too many requests')
  return { ...answer, headers: { ...answer.headers, 'Retry-After': String(seconds) } }
}
