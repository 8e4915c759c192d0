import type { Inventory, InventoryEntry } from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { Semaphore } from '../../../lib/semaphore.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import { formatRepository, type RepositoryName } from '../../../oci/reference.ts'
import { type NumberedPage, numberedPages } from '../paging/numbered-pages.ts'
import type { VendorApi, VendorResponse } from '../vendor-api.ts'
import { DockerHubLogin } from './login.ts'
import { type HubTag, hubTagOf } from './tag-answers.ts'

const pageSize = '100'
/** HEADs at once for the tags of a page whose digest is unknown. */
const resolvesAtOnce = 8

/**
 * Docker Hub by its API (github.com/docker/docs, content/reference/api/hub/latest.yaml). It lists
 * tags with their push and pull times, and no manifests without tags. It has no documented deletes.
 * Its times can lag behind, and no limit of the lag is documented.
 */
export function createDockerHubInventory(api: VendorApi): Inventory {
  const login = new DockerHubLogin(api)
  return {
    kind: 'dockerhub',
    name: 'Docker Hub',
    knows: {
      untagged: false,
      pushedAt: true,
      pulledAt: 'day',
      size: 'image',
      children: false,
      locks: false,
    },
    deletes: { manifests: 'no', tags: 'no', lastTagDeletesManifest: false, restorable: false },
    entries: (repository, call) => listTags(api, login, repository, call),
    repositories: (prefix, call) => listRepositories(api, login, prefix, call),
  }
}

async function* listTags(
  api: VendorApi,
  login: DockerHubLogin,
  repository: RepositoryName,
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  const subject = formatRepository(repository)
  const segments = repository.path.split('/')
  if (segments.length !== 2)
    throw new DrayError('not-found', `${subject} does not exist`, {
      subject,
      why: 'a repository of Docker Hub is NAMESPACE/NAME',
    })
  const [namespace = '', name = ''] = segments.map(encodeURIComponent)
  const doing = `list the tags of ${subject}`
  const read = async (page: number, of: Call): Promise<NumberedPage<HubTag>> => {
    const path = `/v2/namespaces/${namespace}/repositories/${name}/tags`
    const response = await login.send({ ...pageRequest(path, page), doing, repository }, repository.path, of)
    return await pageOf(response, hubTagOf, { subject, doing })
  }
  const list = { doing, subject, host: login.host, read, keyOf: ({ tag }: HubTag) => tag.name }
  for await (const tags of numberedPages(list, call)) yield* entriesOf(api, repository, tags, call)
}

/**
 * The entries of a page. A tag without a digest is resolved through the OCI API, so that it is not
 * lost (hub.docker.com has such tags, and their `images` do not name an index). A tag that does not
 * exist there was deleted in the meantime.
 */
async function* entriesOf(
  api: VendorApi,
  repository: RepositoryName,
  tags: readonly HubTag[],
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  const slots = new Semaphore(resolvesAtOnce)
  const digests = await Promise.all(
    tags.map(async ({ digest, tag }) => {
      if (digest !== undefined) return digest
      const release = await slots.acquire(call.signal)
      try {
        return await api.resolveTag(repository, tag.name, call)
      } finally {
        release()
      }
    }),
  )
  for (const [i, tag] of tags.entries()) {
    const digest = digests[i]
    if (digest !== undefined) yield entryOf(tag, digest)
  }
}

function entryOf({ tag, mediaType, pulledAt, bytes }: HubTag, digest: Digest): InventoryEntry {
  return {
    digest,
    tags: [tag],
    ...(mediaType !== undefined && { mediaType }),
    ...(tag.pushedAt !== undefined && { pushedAt: tag.pushedAt }),
    ...(pulledAt !== undefined && { pulledAt }),
    ...(bytes !== undefined && { bytes }),
  }
}

/** The repositories of one namespace. @throws `unsupported` for a prefix of several ones. */
async function* listRepositories(
  { registry }: VendorApi,
  login: DockerHubLogin,
  prefix: string,
  call: Call,
): AsyncGenerator<string, void> {
  const slash = prefix.indexOf('/')
  if (slash < 1)
    throw new DrayError('unsupported', `cannot list the repositories of ${registry}`, {
      subject: registry,
      why: 'Docker Hub lists the repositories of one namespace only',
      hint: `Name the namespace: ${registry}/NAMESPACE/*`,
    })
  const namespace = prefix.slice(0, slash)
  const subject = `${registry}/${namespace}`
  const doing = `list the repositories of ${subject}`
  const read = async (page: number, of: Call): Promise<NumberedPage<string>> => {
    const path = `/v2/namespaces/${encodeURIComponent(namespace)}/repositories`
    const response = await login.send({ ...pageRequest(path, page), doing }, namespace, of)
    return await pageOf(response, nameOf, { subject, doing })
  }
  const list = { doing, subject, host: login.host, read, keyOf: (name: string) => name }
  for await (const names of numberedPages(list, call)) {
    for (const name of names) {
      const path = `${namespace}/${name}`
      if (path.startsWith(prefix)) yield path
    }
  }
}

function nameOf(value: unknown): string | undefined {
  return isRecord(value) && typeof value['name'] === 'string' ? value['name'] : undefined
}

/** A page after the end is 404. A later page says nothing about the existence of the repository. */
function pageRequest(path: string, page: number) {
  const query = { page_size: pageSize, page: String(page) }
  return { method: 'GET', path, query, expect: page === 1 ? [200] : [200, 404] } as const
}

/**
 * `count`, `next` and `results` (schemas `page` and `paginated_tags`). A page that does not exist
 * has no total, which contradicts the first page: the list is then read again.
 */
async function pageOf<T>(
  response: VendorResponse,
  itemOf: (value: unknown) => T | undefined,
  { subject, doing }: { readonly subject: string; readonly doing: string },
): Promise<NumberedPage<T>> {
  if (response.status === 404) return { items: [], bytes: response.bytes }
  const body = await response.json()
  const results: unknown = isRecord(body) ? body['results'] : undefined
  const invalid = (why: string): DrayError =>
    new DrayError('protocol', `cannot ${doing}: the answer is invalid`, { subject, why })
  if (!isRecord(body) || !Array.isArray(results)) throw invalid('it has no results')
  const { count, next } = body
  if (!Number.isSafeInteger(count)) throw invalid('it has no count')
  const items = results.map((value) => {
    const item = itemOf(value)
    if (item === undefined) throw invalid('a result has no name')
    return item
  })
  return { items, bytes: response.bytes, total: Number(count), hasNext: typeof next === 'string' }
}
