import { randomUUID } from 'node:crypto'
import { allowedActions } from '../../access/permissions.ts'
import { hasPassword } from '../../access/users.ts'
import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import type { VendorImitation, VendorState } from '../vendor.ts'
import { type DockerHubTag, type DockerHubTagPage, listedTags, tagAnswer } from './tags.ts'

/** the lifetime of a token (`AuthCreateTokenResponse`) */
const tokenMs = 10 * 60_000
/** the most entries of a page, and the default */
const maxPageSize = 100
const usualPageSize = 10
const hourMs = 3_600_000
/** of a namespace, as many as the lists show */
const maxRepositories = 10_000
const maxLoginBytes = 16 * 1024

/**
 * Docker Hub's API for tags (docker/docs, content/reference/api/hub/latest.yaml).
 * It has no deletes. Traits:
 * - `public`: everyone may read all repositories
 * - `old-without-digest`: tags that were pushed over a year ago have no digest
 */
export const dockerhub: VendorImitation = {
  profile: 'docker-hub',
  answer: async (request, state) => {
    const route = routeOf(request.path)
    if (route === undefined) return undefined
    const memory = memoryOf(state)
    const limited = countRequest(memory, state)
    if (limited !== undefined) return limited
    const response = await answerRoute(route, request, state, memory)
    return { ...response, headers: { ...limitHeaders(memory, state), ...response.headers } }
  },
}

interface IssuedHubToken {
  readonly user: string | undefined
  readonly expiresAt: number
}

interface DockerHubMemory {
  readonly tokens: Map<string, IssuedHubToken>
  startedAt: number
  used: number
}

const memories = new WeakMap<VendorState, DockerHubMemory>()

function memoryOf(state: VendorState): DockerHubMemory {
  const known = memories.get(state)
  if (known !== undefined) return known
  const created = { tokens: new Map<string, IssuedHubToken>(), startedAt: state.clock.now(), used: 0 }
  memories.set(state, created)
  return created
}

/** Returns the refusal of a request that is one too many. Its time is in seconds since 1970. */
function countRequest(memory: DockerHubMemory, state: VendorState): EndpointResponse | undefined {
  const now = state.clock.now()
  if (now >= memory.startedAt + hourMs) Object.assign(memory, { startedAt: now, used: 0 })
  const { requestsPerHour } = state.options
  if (requestsPerHour === undefined || memory.used++ < requestsPerHour) return undefined
  return refused(429, 'too many requests', {
    ...limitHeaders(memory, state),
    'X-Retry-After': String(Math.ceil((memory.startedAt + hourMs) / 1000)),
  })
}

function limitHeaders(
  { startedAt, used }: DockerHubMemory,
  { options }: VendorState,
): Record<string, string> {
  const { requestsPerHour: limit } = options
  if (limit === undefined) return {}
  return {
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(Math.max(0, limit - used)),
    'X-RateLimit-Reset': String(Math.ceil((startedAt + hourMs) / 1000)),
  }
}

type DockerHubRoute =
  | { readonly kind: 'token' }
  | { readonly kind: 'repositories'; readonly namespace: string }
  | { readonly kind: 'tags'; readonly repository: string; readonly tag: string | undefined }

function routeOf(path: string): DockerHubRoute | undefined {
  if (path === '/v2/auth/token') return { kind: 'token' }
  const list = /^\/v2\/namespaces\/([^/]+)\/repositories$/.exec(path)?.[1]
  if (list !== undefined) return { kind: 'repositories', namespace: list }
  const form = /^\/v2\/namespaces\/([^/]+)\/repositories\/([^/]+)\/tags(?:\/([^/]+))?$/
  const [, namespace, name, tag] = form.exec(path) ?? []
  return namespace === undefined ? undefined : { kind: 'tags', repository: `${namespace}/${name}`, tag }
}

async function answerRoute(
  route: DockerHubRoute,
  request: EndpointRequest,
  state: VendorState,
  memory: DockerHubMemory,
): Promise<EndpointResponse> {
  if (route.kind === 'token')
    return request.method === 'POST'
      ? await createToken(request, state, memory)
      : refused(405, 'method not allowed')
  if (request.method !== 'GET' && request.method !== 'HEAD') return refused(405, 'method not allowed')
  const header = request.header('authorization')
  const token = header === undefined ? undefined : tokenOf(header, state, memory)
  if (header !== undefined && token === undefined) return refused(401, 'the token is invalid or expired')
  if (token?.user !== undefined) request.identity.user = token.user
  if (route.kind === 'repositories')
    return await listRepositories(request, state, route.namespace, token?.user)
  const { repository, tag } = route
  if (!(await mayRead(state, repository, token?.user))) return refused(404, 'object not found')
  if (tag === undefined) return await listTags(request, state, repository)
  const answer = await tagAnswer(state, repository, tag)
  return answer === undefined ? refused(404, `tag ${tag} not found`) : jsonResponse(200, answer)
}

/** A private repository does not exist for others. */
async function mayRead(
  { storage, access, options }: VendorState,
  repository: string,
  user: string | undefined,
): Promise<boolean> {
  if (!(await storage.hasRepository(repository))) return false
  if (access === undefined || options.traits?.has('public') === true) return true
  const wanted = { type: 'repository', name: repository, actions: ['pull'] }
  return allowedActions(access.options, user, wanted).length > 0
}

/** `AuthCreateAccessToken`: an identifier and a secret for a token of ten minutes. */
async function createToken(
  request: EndpointRequest,
  { access, clock }: VendorState,
  { tokens }: DockerHubMemory,
): Promise<EndpointResponse> {
  const { identifier, secret } = await readLogin(request)
  const isKnown = access === undefined || hasPassword(access.options.users, identifier, secret)
  if (!isKnown) return refused(401, 'Incorrect authentication credentials')
  const token = randomUUID()
  tokens.set(token, { user: access && identifier, expiresAt: clock.now() + tokenMs })
  return jsonResponse(200, { access_token: token })
}

async function readLogin(
  request: EndpointRequest,
): Promise<{ readonly identifier: string; readonly secret: string }> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size <= maxLoginBytes) chunks.push(chunk)
  }
  try {
    const { identifier = '', secret = '' } = JSON.parse(Buffer.concat(chunks).toString()) as Partial<
      Record<'identifier' | 'secret', unknown>
    >
    return { identifier: String(identifier), secret: String(secret) }
  } catch {
    return { identifier: '', secret: '' }
  }
}

function tokenOf(
  header: string,
  { clock }: VendorState,
  { tokens }: DockerHubMemory,
): IssuedHubToken | undefined {
  const token = tokens.get(/^bearer\s+(\S+)\s*$/i.exec(header)?.[1] ?? '')
  return token !== undefined && token.expiresAt > clock.now() ? token : undefined
}

async function listTags(
  request: EndpointRequest,
  state: VendorState,
  repository: string,
): Promise<EndpointResponse> {
  const page = pageOf(await listedTags(state, repository), request, state)
  if (page === undefined) return refused(404, 'page not found')
  const results = await Promise.all(page.shown.map((tag) => tagAnswer(state, repository, tag)))
  const answer: DockerHubTagPage = {
    ...page.links,
    results: results.filter((result): result is DockerHubTag => result !== undefined),
  }
  return jsonResponse(200, answer)
}

/** The repositories of a namespace that the user may read (`listNamespaceRepositories`). */
async function listRepositories(
  request: EndpointRequest,
  state: VendorState,
  namespace: string,
  user: string | undefined,
): Promise<EndpointResponse> {
  const found: string[] = []
  for (const repository of await state.storage.repositories(`${namespace}/`, maxRepositories)) {
    if (repository.startsWith(`${namespace}/`) && (await mayRead(state, repository, user)))
      found.push(repository.slice(namespace.length + 1))
  }
  const page = pageOf(found, request, state)
  if (page === undefined) return refused(404, 'page not found')
  return jsonResponse(200, { ...page.links, results: page.shown.map((name) => ({ name, namespace })) })
}

/** Cuts a page out of a list; undefined: there is no such page. */
function pageOf(
  all: readonly string[],
  { query, origin, path }: EndpointRequest,
  { options }: VendorState,
): { readonly shown: readonly string[]; readonly links: Omit<DockerHubTagPage, 'results'> } | undefined {
  const limit = Math.min(options.pageLimit ?? maxPageSize, maxPageSize)
  const size = Math.min(numberFrom(query.get('page_size')) ?? usualPageSize, limit)
  const page = numberFrom(query.get('page')) ?? 1
  const shown = all.slice((page - 1) * size, page * size)
  if (page > 1 && shown.length === 0) return undefined
  const at = (number: number): string => `${origin}${path}?page=${number}&page_size=${size}`
  const next = page * size < all.length ? at(page + 1) : null
  return { shown, links: { count: all.length, next, previous: page > 1 ? at(page - 1) : null } }
}

function numberFrom(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined
}

function refused(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): EndpointResponse {
  return jsonResponse(status, { message, errinfo: {} }, headers)
}
