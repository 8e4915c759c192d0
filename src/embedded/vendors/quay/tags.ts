import { type Digest, isDigest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { blobsOf, childrenOf, parseManifest } from '../../../oci/manifest.ts'
import { isIndexType } from '../../../oci/media-types.ts'
import { isTag } from '../../../oci/reference.ts'
import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import type { VendorState } from '../vendor.ts'
import { quayError } from './quay-error.ts'

const maxLimit = 100
const defaultLimit = 50

/** The most bytes of a request. */
const maxInput = 64 * 1024

/** A tag that was deleted through the API. Times are milliseconds since 1970. */
interface DeletedTag {
  readonly name: string
  readonly digest: Digest
  readonly startedAt: number
  readonly endedAt: number
}

/** The time machine: deleted tags by repository. They can be restored. */
export class TagHistory {
  readonly #deleted = new Map<string, DeletedTag[]>()

  of(repository: string): readonly DeletedTag[] {
    return this.#deleted.get(repository) ?? []
  }

  add(repository: string, tag: DeletedTag): void {
    this.#deleted.set(repository, [...this.of(repository), tag])
  }
}

export interface QuayState extends VendorState {
  readonly history: TagHistory
}

interface TagRow {
  readonly name: string
  readonly digest: Digest
  readonly startedAt: number
  readonly endedAt?: number
}

/** `GET …/tag/`: the newest tags first. */
export async function listTags(
  repository: string,
  { query }: EndpointRequest,
  state: QuayState,
): Promise<EndpointResponse> {
  if (!(await state.storage.hasRepository(repository))) return notFound()
  const isWhole =
    query.get('onlyActiveTags') !== 'true' || state.options.traits?.has('whole history') === true
  const limit = Math.min(
    state.options.pageLimit ?? maxLimit,
    maxLimit,
    numberIn(query, 'limit', defaultLimit),
  )
  const page = numberIn(query, 'page', 1)
  const rows = [
    ...(await activeTags(repository, state)),
    ...(isWhole ? state.history.of(repository) : []),
  ].toSorted((a, b) => b.startedAt - a.startedAt || (a.name < b.name ? -1 : 1))
  const shown = rows.slice(limit * (page - 1), limit * page)
  const tags = await Promise.all(shown.map((row) => tagOf(repository, row, state)))
  return jsonResponse(200, { tags, page, has_additional: rows.length > limit * page })
}

/** `DELETE …/tag/TAG`. */
export async function deleteTag(
  repository: string,
  tag: string,
  state: QuayState,
): Promise<EndpointResponse> {
  const refused = stateRefusal(state)
  if (refused !== undefined) return refused
  const { storage, options, records, clock, history } = state
  const digest = isTag(tag) ? await storage.tag(repository, tag) : undefined
  if (digest === undefined) return notFound()
  if (options.lockedTags?.includes(tag) === true)
    return quayError(409, 'tag_immutable', `Cannot delete immutable tag '${tag}'`)
  const startedAt = records.tag(repository, tag).pushedAt
  await storage.deleteTag(repository, tag)
  history.add(repository, { name: tag, digest, startedAt, endedAt: clock.now() })
  return { status: 204, body: new Uint8Array() }
}

/** `POST …/tag/TAG/restore` with `manifest_digest`. */
export async function restoreTag(
  repository: string,
  tag: string,
  request: EndpointRequest,
  state: QuayState,
): Promise<EndpointResponse> {
  const refused = stateRefusal(state)
  if (refused !== undefined) return refused
  const { storage, records, clock } = state
  const input = await readJson(request)
  const digest = isRecord(input) ? input['manifest_digest'] : undefined
  if (typeof digest !== 'string' || !isDigest(digest))
    return quayError(400, 'invalid_request', 'Missing manifest_digest')
  const manifest = await storage.manifest(repository, digest)
  if (manifest === undefined || !isTag(tag)) return notFound()
  await storage.putManifest(repository, manifest, [tag])
  records.pushed(repository, digest, [tag], clock.now())
  return jsonResponse(200, {})
}

/**
 * A repository that is read-only or a mirror refuses writes with 503 (endpoints/api/__init__.py).
 */
function stateRefusal({ options }: QuayState): EndpointResponse | undefined {
  const state = options.traits?.has('read only') === true ? 'READ_ONLY' : 'MIRROR'
  if (state === 'MIRROR' && options.traits?.has('mirror') !== true) return undefined
  return jsonResponse(503, {
    message: `Repository is in read only or mirror mode: RepositoryState.${state}`,
  })
}

async function activeTags(
  repository: string,
  { storage, records, options, clock }: QuayState,
): Promise<TagRow[]> {
  const rows: TagRow[] = []
  for (const name of await storage.tags(repository)) {
    const digest = await storage.tag(repository, name)
    const startedAt = records.tag(repository, name).pushedAt
    if (digest !== undefined && startedAt + (options.lagMs ?? 0) <= clock.now())
      rows.push({ name, digest, startedAt })
  }
  return rows
}

/** The JSON of a tag. Times are seconds since 1970 and dates of RFC 2822. */
async function tagOf(
  repository: string,
  { name, digest, startedAt, endedAt }: TagRow,
  { storage, options }: QuayState,
): Promise<object> {
  const stored = await storage.manifest(repository, digest)
  const manifest = stored && parseManifest(stored.bytes, stored.mediaType, digest)
  const isIndex = stored !== undefined && isIndexType(stored.mediaType)
  const presence: Record<string, boolean> = {}
  for (const child of manifest === undefined ? [] : childrenOf(manifest))
    presence[child.digest] = (await storage.manifest(repository, child.digest)) !== undefined
  const present = Object.values(presence).filter(Boolean).length
  const layers = manifest === undefined ? [] : blobsOf(manifest).slice(1)
  return {
    name,
    reversion: false,
    immutable: options.lockedTags?.includes(name) === true,
    start_ts: Math.floor(startedAt / 1000),
    ...(endedAt !== undefined && { end_ts: Math.floor(endedAt / 1000), expiration: dateOf(endedAt) }),
    manifest_digest: digest,
    is_manifest_list: isIndex,
    // An index has no layers of its own (image/oci/index.py, layers_compressed_size).
    size: isIndex ? null : layers.reduce((sum, { size }) => sum + size, 0),
    last_modified: dateOf(startedAt),
    ...(isIndex && {
      is_sparse: present < Object.keys(presence).length,
      child_manifest_count: Object.keys(presence).length,
      present_child_count: present,
      child_manifests_presence: presence,
    }),
  }
}

function dateOf(time: number): string {
  return new Date(time).toUTCString().replace('GMT', '-0000')
}

function numberIn(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name) ?? ''
  return Math.max(1, /^\d{1,6}$/.test(text) ? Number(text) : otherwise)
}

async function readJson(request: EndpointRequest): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body) {
    size += chunk.byteLength
    if (size > maxInput) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}

function notFound(): EndpointResponse {
  return quayError(404, 'not_found', 'Not Found')
}
