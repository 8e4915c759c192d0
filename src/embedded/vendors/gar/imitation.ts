import { type Digest, isDigest } from '../../../oci/digest.ts'
import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import { HourlyLimit } from '../hourly-limit.ts'
import {
  digestOfTag,
  type ListedManifest,
  listedDigests,
  listedManifest,
  type ListedTag,
  listedTags,
} from '../listed-content.ts'
import type { VendorImitation, VendorState } from '../vendor.ts'
import { apiError } from './api-error.ts'
import { googleUser } from './google-users.ts'
import { Operations } from './operations.ts'

const maxPage = 1000
/** Tags of one version (`related_tags` in version.proto). */
const maxRelatedTags = 100
/** `VersionView.FULL`, which clients send as its name or its number (version.proto). */
const fullViews: ReadonlySet<string | null> = new Set(['FULL', '2'])

const route =
  /^\/v1\/projects\/(?<project>[^/]+)\/locations\/(?<location>[^/]+)\/(?:operations\/(?<operation>[^/]+)|repositories(?:\/(?<repository>[^/]+)(?:\/packages(?:\/(?<image>[^/]+)\/(?<list>versions|tags)(?:\/(?<item>[^/]+))?)?)?)?)$/

/** A path of the API, decoded. */
interface GarPath {
  readonly project: string
  readonly location: string
  readonly operation?: string | undefined
  readonly repository?: string | undefined
  readonly image?: string | undefined
  readonly list?: string | undefined
  readonly item?: string | undefined
}

/**
 * Creates an imitation of the API of Google Artifact Registry (the protos of
 * `@google-cloud/artifact-registry` 4.7, google/devtools/artifactregistry/v1). The repository
 * PROJECT/REPOSITORY/IMAGE of the OCI API is in every location. Traits: `virtual repositories`,
 * `remote repositories`, `immutable tags`, `slow deletes` (5 s), `failing deletes`.
 */
export function createGarImitation(): VendorImitation {
  const limit = new HourlyLimit()
  const operations = new Operations()
  return {
    profile: 'gar',
    answer: async (request, state) => {
      const path = parsePath(request.path)
      if (path === undefined) return undefined
      const seconds = limit.take(state)
      if (seconds !== undefined) return quotaExceeded(seconds)
      const user = state.access && googleUser(state.access, request.header('authorization'))
      if (state.access !== undefined && user === undefined)
        return apiError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
      if (user !== undefined) request.identity.user = user
      return await answerPath(path, request, state, operations)
    },
  }
}

async function answerPath(
  path: GarPath,
  request: EndpointRequest,
  state: VendorState,
  operations: Operations,
): Promise<EndpointResponse> {
  if (path.operation !== undefined) return await operations.get(path.operation, state)
  if (path.repository === undefined) return await listRepositories(path, request, state)
  const known = await imagesOf(path, state)
  if (known.length === 0) return notFound(`Requested entity was not found: ${path.repository}`)
  if (path.image === undefined)
    return request.path.endsWith('/packages')
      ? listPackages(path, known, request, state)
      : jsonResponse(200, repositoryBody(path, state))
  const repository = `${ociPath(path)}/${path.image}`
  const hasImage = known.includes(path.image)
  if (request.method === 'DELETE' && path.item !== undefined && hasImage)
    return await deleteItem(path, path.item, repository, request, state, operations)
  if (request.method !== 'GET' || path.item !== undefined || !hasImage)
    return notFound(`Requested entity was not found: ${path.image}`)
  return path.list === 'tags'
    ? await listTags(path, repository, request, state)
    : await listVersions(path, repository, request, state)
}

/** Parses a path; undefined if it is not of this API. */
function parsePath(path: string): GarPath | undefined {
  const groups = Object.entries(route.exec(path)?.groups ?? {})
  try {
    const parts = groups.map(([name, text]) => [name, text && decodeURIComponent(text)] as const)
    const { project, location, image, ...rest }: Partial<GarPath> = Object.fromEntries(parts)
    if (project === undefined || location === undefined) return undefined
    // The name has escaped slashes, and its `%` can be escaped again in the path.
    return { project, location, image: image?.replaceAll(/%2F/gi, '/'), ...rest }
  } catch {
    return undefined
  }
}

/** A project of a domain, `example.com:web`, is `example.com/web` in the OCI API. */
function ociPath({ project, repository = '' }: GarPath): string {
  return `${project.replace(':', '/')}/${repository}`
}

function resource({ project, location, repository = '' }: GarPath): string {
  return `projects/${project}/locations/${location}/repositories/${repository}`
}

async function imagesOf(path: GarPath, { storage }: VendorState): Promise<readonly string[]> {
  const prefix = `${ociPath(path)}/`
  const all = await storage.repositories(undefined, Infinity)
  return all.flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
}

function repositoryBody(path: GarPath, { options: { traits } }: VendorState): object {
  const mode = traits?.has('virtual repositories') === true ? 'VIRTUAL_REPOSITORY' : undefined
  const remote = traits?.has('remote repositories') === true ? 'REMOTE_REPOSITORY' : undefined
  return {
    name: resource(path),
    format: 'DOCKER',
    mode: mode ?? remote ?? 'STANDARD_REPOSITORY',
    ...(traits?.has('immutable tags') === true && { dockerConfig: { immutableTags: true } }),
    registryUri: `${path.location}-docker.pkg.dev/${ociPath(path)}`,
  }
}

async function listRepositories(
  path: GarPath,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const prefix = `${path.project.replace(':', '/')}/`
  const all = await state.storage.repositories(undefined, Infinity)
  const names = all.flatMap((name) =>
    name.startsWith(prefix) ? (name.slice(prefix.length).split('/')[0] ?? []) : [],
  )
  const found = [...new Set(names)]
  return page('repositories', found, request, state, (repository) =>
    repositoryBody({ ...path, repository }, state),
  )
}

function listPackages(
  path: GarPath,
  images: readonly string[],
  request: EndpointRequest,
  state: VendorState,
): EndpointResponse {
  return page('packages', images, request, state, (image) => ({
    name: `${resource(path)}/packages/${escaped(image)}`,
  }))
}

async function listVersions(
  path: GarPath,
  repository: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const digests = await listedDigests(state, repository)
  const wanted = wantedPage(request, state)
  const shown = new Map<Digest, ListedManifest>()
  for (const digest of digests.slice(wanted.start, wanted.start + wanted.count)) {
    const listed = await listedManifest(state, repository, digest)
    if (listed !== undefined) shown.set(digest, listed)
  }
  return page('versions', digests, request, state, (digest) => {
    const listed = shown.get(digest)
    return listed && versionBody(path, repository, listed, request, state)
  })
}

function versionBody(
  path: GarPath,
  repository: string,
  { stored, manifest, tags, contentBytes }: ListedManifest,
  { query }: EndpointRequest,
  { records }: VendorState,
): object {
  const { pushedAt } = records.manifest(repository, stored.digest)
  // A referrer without an artifact type has its media type (artifact.proto).
  const { subject } = manifest
  const artifactType = manifest.artifactType ?? (subject === undefined ? undefined : stored.mediaType)
  const image = `${resource(path)}/packages/${escaped(path.image ?? '')}`
  const updatedAt = Math.max(pushedAt, ...tags.map((tag) => records.tag(repository, tag).pushedAt))
  return {
    name: `${image}/versions/${stored.digest}`,
    createTime: timeText(pushedAt),
    updateTime: timeText(updatedAt),
    ...(fullViews.has(query.get('view')) && {
      relatedTags: tags
        .slice(0, maxRelatedTags)
        .map((name) => tagBody(path, { name, digest: stored.digest })),
    }),
    metadata: {
      name: `${resource(path)}/dockerImages/${escaped(path.image ?? '')}@${stored.digest}`,
      imageSizeBytes: String(contentBytes),
      mediaType: stored.mediaType,
      ...(artifactType !== undefined && { artifactType }),
    },
  }
}

async function listTags(
  path: GarPath,
  repository: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const tags = await listedTags(state, repository, undefined, Infinity)
  return page('tags', tags, request, state, (tag) => tagBody(path, tag))
}

function tagBody(path: GarPath, { name, digest }: ListedTag): object {
  const image = `${resource(path)}/packages/${escaped(path.image ?? '')}`
  return { name: `${image}/tags/${name}`, version: `${image}/versions/${digest}` }
}

async function deleteItem(
  path: GarPath,
  item: string,
  repository: string,
  { query }: EndpointRequest,
  state: VendorState,
  operations: Operations,
): Promise<EndpointResponse> {
  const { storage, options } = state
  if (options.traits?.has('immutable tags') === true && path.list === 'tags')
    return apiError(400, 'FAILED_PRECONDITION', 'The repository has immutable tags enabled.')
  if (path.list === 'tags') {
    const digest = await digestOfTag(state, repository, item)
    if (digest === undefined) return notFound(`Tag ${item} was not found.`)
    await storage.deleteTag(repository, item)
    return jsonResponse(200, {})
  }
  if (!isDigest(item) || (await storage.manifest(repository, item)) === undefined)
    return notFound(`Version ${item} was not found.`)
  const name = `projects/${path.project}/locations/${path.location}/operations`
  return await operations.startDelete(
    name,
    { repository, digest: item, force: query.get('force') === 'true' },
    state,
  )
}

/** Names in the API escape slashes (package.proto). */
function escaped(image: string): string {
  return image.replaceAll('/', '%2F')
}

/** Nine digits of a second are possible. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}

interface GarPage {
  readonly start: number
  readonly count: number
}

function wantedPage({ query }: EndpointRequest, { options }: VendorState): GarPage {
  const size = Number(query.get('pageSize') ?? 0) || 35
  const token = Buffer.from(query.get('pageToken') ?? '', 'base64url').toString()
  return { start: Number(token), count: Math.min(size, options.pageLimit ?? maxPage) }
}

function page<T>(
  key: string,
  all: readonly T[],
  request: EndpointRequest,
  state: VendorState,
  show: (entry: T) => object | undefined,
): EndpointResponse {
  const { start, count } = wantedPage(request, state)
  const end = start + count
  const entries = all.slice(start, end).flatMap((entry) => show(entry) ?? [])
  return jsonResponse(200, {
    // proto3 omits empty lists.
    ...(entries.length > 0 && { [key]: entries }),
    ...(end < all.length && { nextPageToken: Buffer.from(String(end)).toString('base64url') }),
  })
}

function notFound(message: string): EndpointResponse {
  return apiError(404, 'NOT_FOUND', message)
}

function quotaExceeded(seconds: number): EndpointResponse {
  const answer = apiError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for the API.')
  return { ...answer, headers: { ...answer.headers, 'Retry-After': String(seconds) } }
}
