import { isDigest } from '../../oci/digest.ts'
import { childrenOf } from '../../oci/manifest.ts'
import { isRepositoryPath } from '../../oci/reference.ts'
import { admitAccess } from '../access/admit.ts'
import type { ResourceAccess } from '../access/permissions.ts'
import { errorsResponse, foreignRefusal, refusal } from '../errors.ts'
import type { EndpointRequest } from '../request.ts'
import { type EndpointResponse, jsonResponse } from '../response.ts'
import { HourlyLimit } from './hourly-limit.ts'
import {
  digestOfTag,
  type ListedManifest,
  listedDigests,
  listedManifest,
  type ListedTag,
  listedTags,
} from './listed-content.ts'
import type { VendorImitation, VendorState } from './vendor.ts'

/** The registry cuts `n` to this number without an error (github.com/Azure/acr/issues/749). */
const maxPage = 1000
const defaultPage = 100
/** A list of manifests shows no more tags of one (github.com/Azure/azure-cli/issues/7438). */
const maxTagsOfManifest = 10

/**
 * Traits: `locked repository`, and `locked DIGEST` for a manifest. Both refuse deletes, also those
 * of the OCI API.
 */
const lockedRepository = 'locked repository'

const route = /^\/acr\/v1\/(?<name>.+?)(?:\/(?<list>_manifests|_tags)(?:\/(?<reference>[^/]+))?)?$/
const ociDelete = /^\/v2\/(?<name>.+)\/manifests\/(?<reference>[^/]+)$/

interface AcrPath {
  readonly name: string
  readonly list?: '_manifests' | '_tags'
  readonly reference?: string
}

/**
 * Creates an imitation of the API of Azure Container Registry, at `/acr/v1/`
 * (github.com/Azure/acr-cli, docs/swagger.yaml).
 */
export function createAcrImitation(): VendorImitation {
  const limit = new HourlyLimit()
  return {
    profile: 'acr',
    answer: async (request, state) => {
      if (request.method === 'DELETE') checkOciDelete(request.path, state)
      const groups = route.exec(request.path)?.groups
      if (groups === undefined) return undefined
      const seconds = limit.take(state)
      if (seconds !== undefined) return tooManyRequests(seconds)
      return await answerPath(parsePath(groups), request, state)
    },
  }
}

async function answerPath(
  path: AcrPath,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const denied = state.access && admitAccess(state.access, [neededFor(path, request)], request)
  if (denied !== undefined) return denied
  if (path.name === '_catalog') return await listCatalog(request, state)
  if (!isRepositoryPath(path.name) || !(await state.storage.hasRepository(path.name)))
    throw refusal('NAME_UNKNOWN', 'repository name not known to registry')
  const { list, reference } = path
  if (request.method === 'DELETE' && list === '_tags' && reference !== undefined)
    return await deleteTag(path.name, reference, state)
  if (request.method !== 'GET') throw refusal('UNSUPPORTED', `${request.method} is not imitated here`)
  if (list === undefined) return jsonResponse(200, await repositoryAttributes(path.name, state))
  if (reference !== undefined) return await getOne({ ...path, list, reference }, request, state)
  return list === '_tags'
    ? await listTagAttributes(path.name, request, state)
    : await listManifestAttributes(path.name, request, state)
}

function parsePath(groups: Record<string, string | undefined>): AcrPath {
  const list = groups['list'] === '_tags' || groups['list'] === '_manifests' ? groups['list'] : undefined
  const reference = groups['reference']
  return {
    name: decoded(groups['name'] ?? ''),
    ...(list !== undefined && { list }),
    ...(reference !== undefined && { reference: decoded(reference) }),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refusal('NAME_INVALID', 'the path is not valid')
  }
}

function neededFor({ name }: AcrPath, { method }: EndpointRequest): ResourceAccess {
  if (name === '_catalog') return { type: 'registry', name: 'catalog', actions: ['*'] }
  return { type: 'repository', name, actions: [method === 'DELETE' ? 'delete' : 'metadata_read'] }
}

async function listCatalog(request: EndpointRequest, state: VendorState): Promise<EndpointResponse> {
  const { last, count } = wantedPage(request, state)
  const found = await state.storage.repositories(last, count + 1)
  return page(request, { repositories: found.slice(0, count) }, found, count, (name) => name)
}

async function listTagAttributes(
  name: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const { last, count } = wantedPage(request, state)
  const found = await listedTags(state, name, last, count + 1)
  const tags = found.slice(0, count).map((tag) => tagAttributes(name, tag, state))
  return page(request, { ...imageOf(name, request), tags }, found, count, (tag) => tag.name)
}

async function listManifestAttributes(
  name: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const { last, count } = wantedPage(request, state)
  const digests = await listedDigests(state, name)
  const found = digests.filter((digest) => last === undefined || digest > last).slice(0, count + 1)
  const listed = await Promise.all(found.slice(0, count).map((digest) => listedManifest(state, name, digest)))
  const manifests = listed.flatMap((one) => (one === undefined ? [] : [manifestAttributes(name, one, state)]))
  return page(request, { ...imageOf(name, request), manifests }, found, count, (digest) => digest)
}

async function getOne(
  { name, list, reference }: Required<AcrPath>,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  if (list === '_tags') {
    const digest = await digestOfTag(state, name, reference)
    if (digest === undefined) throw refusal('MANIFEST_UNKNOWN', `the tag ${reference} is unknown`)
    const tag = tagAttributes(name, { name: reference, digest }, state)
    return jsonResponse(200, { ...imageOf(name, request), tag })
  }
  const listed = isDigest(reference) ? await listedManifest(state, name, reference) : undefined
  if (listed === undefined) throw refusal('MANIFEST_UNKNOWN', `the manifest ${reference} is unknown`)
  const references = childrenOf(listed.manifest).map(({ digest, platform }) => ({
    digest,
    architecture: platform?.architecture,
    os: platform?.os,
  }))
  const manifest = { ...manifestAttributes(name, listed, state), references }
  return jsonResponse(200, { ...imageOf(name, request), manifest })
}

async function deleteTag(name: string, tag: string, state: VendorState): Promise<EndpointResponse> {
  if ((await digestOfTag(state, name, tag)) === undefined)
    throw refusal('MANIFEST_UNKNOWN', `the tag ${tag} is unknown`)
  if (isTagLocked(tag, state)) throw locked(tag)
  await state.storage.deleteTag(name, tag)
  return { status: 202, body: new Uint8Array() }
}

/** @throws a refusal if the request is a delete of the OCI API that a lock forbids. */
function checkOciDelete(path: string, { options: { traits } }: VendorState): void {
  const { name, reference } = ociDelete.exec(path)?.groups ?? {}
  if (name === undefined || reference === undefined) return
  if (traits?.has(lockedRepository) === true) throw locked(name)
  if (traits?.has(`locked ${decoded(reference)}`) === true) throw locked(decoded(reference))
}

function isTagLocked(tag: string, { options }: VendorState): boolean {
  return options.lockedTags?.includes(tag) === true || options.traits?.has(lockedRepository) === true
}

/** github.com/Azure/acr-cli/issues/70 */
function locked(what: string): Error {
  return foreignRefusal(
    'REGISTRY_DISALLOWED_OPERATION',
    405,
    `${what} is locked: the operation is disallowed on this registry, repository or image`,
  )
}

async function repositoryAttributes(name: string, state: VendorState): Promise<object> {
  const isLocked = state.options.traits?.has(lockedRepository) === true
  return {
    imageName: name,
    manifestCount: (await listedDigests(state, name)).length,
    tagCount: (await state.storage.tags(name)).length,
    changeableAttributes: attributes(!isLocked),
  }
}

function tagAttributes(name: string, tag: ListedTag, { records, options }: VendorState): object {
  const { pushedAt } = records.tag(name, tag.name)
  return {
    name: tag.name,
    digest: tag.digest,
    createdTime: timeText(pushedAt),
    lastUpdateTime: timeText(pushedAt),
    signed: false,
    changeableAttributes: attributes(options.lockedTags?.includes(tag.name) !== true),
  }
}

/** A lock of a tag does not show at its manifest (github.com/Azure/acr/issues/495). */
function manifestAttributes(
  name: string,
  { stored, tags, contentBytes }: ListedManifest,
  { records, options }: VendorState,
): object {
  const { pushedAt } = records.manifest(name, stored.digest)
  const changes = tags.map((tag) => records.tag(name, tag).pushedAt)
  return {
    digest: stored.digest,
    imageSize: contentBytes,
    createdTime: timeText(pushedAt),
    lastUpdateTime: timeText(Math.max(pushedAt, ...changes)),
    mediaType: stored.mediaType,
    ...(tags.length > 0 && { tags: tags.slice(0, maxTagsOfManifest) }),
    changeableAttributes: attributes(options.traits?.has(`locked ${stored.digest}`) !== true),
  }
}

function attributes(deleteEnabled: boolean): object {
  return { deleteEnabled, writeEnabled: true, readEnabled: true, listEnabled: true }
}

/** The registry writes seven digits of a second. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '0000Z')
}

function imageOf(name: string, { origin }: EndpointRequest): object {
  return { registry: new URL(origin).host, imageName: name }
}

interface AcrPage {
  readonly last: string | undefined
  readonly count: number
}

function wantedPage({ query }: EndpointRequest, { options }: VendorState): AcrPage {
  const n = query.get('n') ?? String(defaultPage)
  if (!/^[1-9][0-9]{0,8}$/.test(n)) throw refusal('UNSUPPORTED', 'invalid number of results requested', 400)
  return { last: query.get('last') ?? undefined, count: Math.min(Number(n), options.pageLimit ?? maxPage) }
}

/** The target of `Link` is relative to the registry. */
function page<T>(
  { path, query }: EndpointRequest,
  body: object,
  found: readonly T[],
  count: number,
  keyOf: (entry: T) => string,
): EndpointResponse {
  const end = found[count - 1]
  if (end === undefined || found.length <= count) return jsonResponse(200, body)
  const next = new URLSearchParams(query)
  next.set('last', keyOf(end))
  next.set('n', String(count))
  return jsonResponse(200, body, { Link: `<${path}?${next.toString()}>; rel="next"` })
}

function tooManyRequests(seconds: number): EndpointResponse {
  const answer = errorsResponse(429, 'TOOMANYREQUESTS', 'too many requests')
  return { ...answer, headers: { ...answer.headers, 'Retry-After': String(seconds) } }
}
