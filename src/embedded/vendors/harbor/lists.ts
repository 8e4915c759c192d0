import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import { artifactTypeOf, blobsOf, childrenOf } from '../../../oci/manifest.ts'
import { errorsResponse } from '../../errors.ts'
import type { EndpointRequest } from '../../request.ts'
import { type EndpointResponse, jsonResponse } from '../../response.ts'
import type { StoredManifest } from '../../storage/storage.ts'
import type { VendorState } from '../vendor.ts'
import type { VendorTimes } from '../vendor-records.ts'
import { type ArtifactGraph, manifestOf, readGraph } from './accessories.ts'

const maxPageSize = 100
const defaultPageSize = 10
/** Go's zero time: it was never pulled. */
const never = '0001-01-01T00:00:00.000Z'

/**
 * The artifacts of a repository, the newest push first. Without `q=base=*`, children of indexes
 * that have no tag are missing; accessories always are (src/pkg/artifact/dao/dao.go). A repository
 * that does not exist has an empty list.
 */
export async function listArtifacts(
  repository: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const filter = request.query.get('q')
  if (filter !== null && filter !== '' && filter !== 'base=*')
    return errorsResponse(400, 'BAD_REQUEST', `the query ${filter} is not imitated`)
  const graph = await readGraph(state, repository)
  const shown: StoredManifest[] = []
  for (const stored of graph.artifacts.values()) {
    if (graph.isAccessory.has(stored.digest)) continue
    const isChild = graph.parents.has(stored.digest)
    const isInBase = !isChild || (await state.storage.tagsOf(repository, stored.digest)).length > 0
    if (filter === 'base=*' || isInBase) shown.push(stored)
  }
  const pushedAt = ({ digest }: StoredManifest): number => state.records.manifest(repository, digest).pushedAt
  const idOf = ({ digest }: StoredManifest): number => state.records.idOf(repository, digest)
  shown.sort((a, b) => pushedAt(b) - pushedAt(a) || idOf(b) - idOf(a))
  const show = (stored: StoredManifest): Promise<object> =>
    artifactOf(stored, graph, { repository, request, state })
  return await pageOfList(shown, show, request, state)
}

/** All repositories, or those of a project. */
export async function listRepositories(
  project: string,
  request: EndpointRequest,
  state: VendorState,
): Promise<EndpointResponse> {
  const names = await state.storage.repositories(undefined, Infinity)
  const shown = names.filter((name) => project === '' || name.startsWith(`${project}/`))
  return await pageOfList(shown, async (name) => ({ name }), request, state)
}

async function pageOfList<T>(
  items: readonly T[],
  show: (item: T) => Promise<object>,
  request: EndpointRequest,
  { options }: VendorState,
): Promise<EndpointResponse> {
  const page = Number(request.query.get('page') ?? 1)
  const asked = Number(request.query.get('page_size') ?? defaultPageSize)
  if (!(asked >= 1 && asked <= maxPageSize))
    return errorsResponse(
      422,
      'UNPROCESSABLE_ENTITY',
      `page_size in query should be less than or equal to ${maxPageSize}`,
    )
  const size = Math.min(asked, options.pageLimit ?? maxPageSize)
  const shown = await Promise.all(items.slice((page - 1) * size, page * size).map(show))
  const link = page * size < items.length ? { Link: nextLink(request, page + 1) } : {}
  return jsonResponse(200, shown, { 'X-Total-Count': String(items.length), ...link })
}

/** Harbor sends the query unescaped (src/server/v2.0/handler/base.go, Links). */
function nextLink({ path, query }: EndpointRequest, page: number): string {
  const next = new URLSearchParams(query)
  next.set('page', String(page))
  return `<${path}?${decodeURIComponent(next.toString())}>; rel="next"`
}

interface ShownArtifact {
  readonly repository: string
  readonly request: EndpointRequest
  readonly state: VendorState
}

async function artifactOf(
  stored: StoredManifest,
  graph: ArtifactGraph,
  shown: ShownArtifact,
): Promise<object> {
  const { repository, request, state } = shown
  const { digest, mediaType } = stored
  const manifest = manifestOf(stored)
  const id = state.records.idOf(repository, digest)
  const { pushedAt } = state.records.manifest(repository, digest)
  const isWanted = (name: string, byDefault: boolean): boolean =>
    (request.query.get(name) ?? String(byDefault)) === 'true'
  const references = childrenOf(manifest)
    .filter((child) => graph.parents.get(child.digest)?.includes(digest))
    .map((child) => referenceOf(child, id, shown))
  return {
    id,
    type: 'IMAGE',
    media_type: manifest.kind === 'manifest' ? manifest.config.mediaType : mediaType,
    manifest_media_type: mediaType,
    artifact_type: artifactTypeOf(manifest) ?? '',
    project_id: 1,
    repository_id: 1,
    repository_name: repository,
    digest,
    size: sizeOf(digest, graph),
    icon: '',
    push_time: timeText(pushedAt),
    pull_time: timeText(pulledAt(digest, graph, shown)),
    extra_attrs: {},
    annotations: manifest.annotations ?? null,
    references: references.length === 0 ? null : references,
    tags: isWanted('with_tag', true) ? await tagsOf(digest, id, shown) : null,
    labels: null,
    accessories: isWanted('with_accessory', false) ? accessoriesOf(digest, id, graph, shown) : null,
    addition_links: {},
  }
}

function referenceOf(child: Descriptor, parentId: number, { repository, state }: ShownArtifact): object {
  return {
    parent_id: parentId,
    child_id: state.records.idOf(repository, child.digest),
    child_digest: child.digest,
    platform: child.platform ?? null,
    annotations: child.annotations ?? null,
    urls: null,
  }
}

async function tagsOf(
  digest: Digest,
  artifactId: number,
  shown: ShownArtifact,
): Promise<readonly object[] | null> {
  const { repository, request, state } = shown
  const isStatusWanted = request.query.get('with_immutable_status') === 'true'
  const tags = await state.storage.tagsOf(repository, digest)
  if (tags.length === 0) return null
  return tags.toSorted().map((name, index) => {
    const times = state.records.tag(repository, name)
    return {
      id: artifactId * 1000 + index,
      repository_id: 1,
      artifact_id: artifactId,
      name,
      push_time: timeText(times.pushedAt),
      pull_time: timeText(flushedPull(times, state)),
      immutable: isStatusWanted && state.options.lockedTags?.includes(name) === true,
    }
  })
}

function accessoriesOf(
  digest: Digest,
  artifactId: number,
  graph: ArtifactGraph,
  { repository, state }: ShownArtifact,
): readonly object[] | null {
  const accessories = graph.accessories.get(digest) ?? []
  if (accessories.length === 0) return null
  return accessories.map((accessory) => ({
    id: state.records.idOf(repository, accessory.digest),
    artifact_id: state.records.idOf(repository, accessory.digest),
    subject_artifact_id: artifactId,
    subject_artifact_digest: digest,
    subject_artifact_repo: repository,
    size: sizeOf(accessory.digest, graph),
    digest: accessory.digest,
    type: accessory.type,
    icon: '',
    creation_time: timeText(state.records.manifest(repository, accessory.digest).pushedAt),
  }))
}

/** An index has the bytes of its children too (src/controller/artifact/manifest/index.go). */
function sizeOf(digest: Digest, graph: ArtifactGraph): number {
  const stored = graph.artifacts.get(digest)
  if (stored === undefined) return 0
  const manifest = manifestOf(stored)
  const blobs = blobsOf(manifest).reduce((sum, { size }) => sum + size, stored.bytes.byteLength)
  return childrenOf(manifest).reduce((sum, child) => sum + sizeOf(child.digest, graph), blobs)
}

/** A pull of a child counts for its indexes (updateParentArtifactPullTime). */
function pulledAt(
  digest: Digest,
  graph: ArtifactGraph,
  { repository, state }: ShownArtifact,
): number | undefined {
  const stored = graph.artifacts.get(digest)
  const children = stored === undefined ? [] : childrenOf(manifestOf(stored))
  const pulls = [digest, ...children.map((child) => child.digest)].flatMap(
    (one) => flushedPull(state.records.manifest(repository, one), state) ?? [],
  )
  return pulls.length === 0 ? undefined : Math.max(...pulls)
}

/** Harbor writes pull times to its database after a while, by default 10 s (`lagMs`). */
function flushedPull({ pulledAt: at }: VendorTimes, { clock, options }: VendorState): number | undefined {
  return at !== undefined && at + (options.lagMs ?? 0) <= clock.now() ? at : undefined
}

function timeText(time: number | undefined): string {
  return time === undefined ? never : new Date(time).toISOString()
}
