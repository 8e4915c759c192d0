import type { Call } from '../../lib/call.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import type {
  Inventory,
  InventoryEntry,
  InventoryTag,
  Removal,
  RemovalOutcome,
} from '../../images/inventory/inventory.ts'
import type { Digest } from '../../oci/digest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { basicOrBearer } from './api/authorization.ts'
import {
  countOf,
  digestField,
  type ApiFields,
  objectsOf,
  optionalObjects,
  optionalText,
  textField,
  timeOf,
  totalOf,
} from './api/fields.ts'
import { removeEach, settledBy } from './api/remove-each.ts'
import { type NumberedPage, numberedPages } from './paging/numbered-pages.ts'
import type { VendorApi } from './vendor-api.ts'

/** The most that the API accepts (goharbor/harbor, api/v2.0/swagger.yaml, parameters.pageSize). */
const pageSize = 100

/**
 * The inventory of Harbor 2 (goharbor/harbor, api/v2.0/swagger.yaml). `base=*` includes the
 * children of indexes (src/pkg/artifact/dao/dao.go, setBaseQuery). Accessories are never in the
 * list itself (setAccessoryQuery), but in their subject. A delete takes untagged children and
 * accessories along that nothing else refers to (src/controller/artifact/controller.go,
 * deleteDeeply). A GET of a manifest through the OCI API is a pull, and a request to this API is
 * none (src/server/registry/manifest.go, getManifest). Pull times are up to 10 s late
 * (src/controller/event/handler/internal/artifact.go).
 */
export function createHarborInventory(api: VendorApi): Inventory {
  const repositoryPath = ({ path }: RepositoryName): string => {
    const slash = path.indexOf('/')
    // The router and then the handler decode it (src/server/v2.0/handler/util.go).
    const name = encodeURIComponent(encodeURIComponent(path.slice(slash + 1)))
    return `/api/v2.0/projects/${path.slice(0, Math.max(slash, 0))}/repositories/${name}`
  }
  const authorization = async (path: string | undefined, call: Call): Promise<string | undefined> => {
    const secret = await api.secret(path, call)
    return secret && basicOrBearer(secret, api)
  }

  async function* entries(repository: RepositoryName, call: Call): AsyncGenerator<InventoryEntry, void> {
    const subject = formatRepository(repository)
    const doing = `list the artifacts of ${subject}`
    const read = async (page: number, sent: Call): Promise<NumberedPage<ApiFields>> => {
      const query = {
        page: String(page),
        page_size: String(pageSize),
        q: 'base=*',
        with_tag: 'true',
        with_immutable_status: 'true',
        with_accessory: 'true',
      }
      const path = `${repositoryPath(repository)}/artifacts`
      return await readPage(
        api,
        { path, query, doing, repository },
        await authorization(repository.path, sent),
        sent,
      )
    }
    const { host } = api.base
    const keyOf = (artifact: ApiFields): string => digestField(artifact, 'digest', host)
    const indexes = new Map<Digest, readonly Digest[]>()
    const parts = new Map<Digest, readonly Digest[]>()
    for await (const page of numberedPages({ doing, subject, host, read, keyOf }, call)) {
      for (const artifact of page) {
        const entry = entryOf(artifact, host)
        yield entry
        if (entry.children !== undefined) indexes.set(entry.digest, entry.children)
        const accessories = accessoriesOf(artifact, repository, host)
        yield* accessories.map((accessory) => accessory.entry)
        const own = accessories.filter(({ type }) => !referrerTypes.has(type))
        if (own.length > 0)
          parts.set(
            entry.digest,
            own.map((accessory) => accessory.entry.digest),
          )
      }
    }
    yield* withParts(indexes, parts)
  }

  async function* repositories(prefix: string, call: Call): AsyncGenerator<string, void> {
    const slash = prefix.indexOf('/')
    const path =
      slash < 0 ? '/api/v2.0/repositories' : `/api/v2.0/projects/${prefix.slice(0, slash)}/repositories`
    const doing = `list the repositories of ${api.registry}`
    const read = async (page: number, sent: Call): Promise<NumberedPage<ApiFields>> => {
      const query = { page: String(page), page_size: String(pageSize) }
      return await readPage(api, { path, query, doing }, await authorization(undefined, sent), sent)
    }
    const { host } = api.base
    const keyOf = (repository: ApiFields): string => textField(repository, 'name', host)
    for await (const page of numberedPages({ doing, subject: api.registry, host, read, keyOf }, call))
      yield* page.map(keyOf).filter((name) => name.startsWith(prefix))
  }

  return {
    kind: 'harbor',
    name: 'Harbor',
    knows: { untagged: true, pushedAt: true, pulledAt: 'exact', size: 'image', children: true, locks: true },
    deletes: { manifests: 1, tags: 1, lastTagDeletesManifest: false, restorable: false, cascades: true },
    entries,
    repositories,
    remove: (repository, batch, call, beforeAttempt) =>
      remove(api, repositoryPath(repository), authorization, { repository, batch, beforeAttempt }, call),
  }
}

interface PageRequest {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly doing: string
  readonly repository?: RepositoryName
}

async function readPage(
  api: VendorApi,
  request: PageRequest,
  authorization: string | undefined,
  call: Call,
): Promise<NumberedPage<ApiFields>> {
  const response = await api.send({ method: 'GET', ...request, authorization, expect: [200] }, call)
  const items = objectsOf(await response.json(), api.base.host)
  return { items, bytes: response.bytes, total: totalOf(response) }
}

function entryOf(artifact: ApiFields, host: string): InventoryEntry {
  const mediaType = optionalText(artifact['manifest_media_type'])
  const artifactType = optionalText(artifact['artifact_type'])
  const children = optionalObjects(artifact['references'], host).map((one) =>
    digestField(one, 'child_digest', host),
  )
  const tags = optionalObjects(artifact['tags'], host).map((tag) => tagOf(tag, host))
  const locked = tags.find((tag) => tag.locked !== undefined)
  const isIndex = children.length > 0 || (mediaType !== undefined && isIndexType(mediaType))
  return {
    digest: digestField(artifact, 'digest', host),
    tags,
    ...(mediaType !== undefined && { mediaType }),
    ...(artifactType !== undefined && { artifactType }),
    ...(isIndex && { children }),
    ...timesOf(artifact),
    ...sizeOf(artifact),
    ...(locked !== undefined && { locked: { of: 'delete', text: `immutable tag ${locked.name}` } }),
  }
}

function tagOf(tag: ApiFields, host: string): InventoryTag {
  return {
    name: textField(tag, 'name', host),
    ...timesOf(tag),
    ...(tag['immutable'] === true && { locked: { of: 'write', text: 'immutable tag rule' } }),
  }
}

/** The year 1 is the zero time of Go: it was never pulled. */
function timesOf(fields: ApiFields): Pick<InventoryEntry, 'pushedAt' | 'pulledAt'> {
  const pushedAt = timeOf(fields['push_time'])
  const pulledAt = timeOf(fields['pull_time'])
  return {
    ...(pushedAt !== undefined && pushedAt > 0 && { pushedAt }),
    ...(pulledAt !== undefined && { pulledAt: pulledAt > 0 ? pulledAt : 'never' }),
  }
}

function sizeOf(fields: ApiFields): Pick<InventoryEntry, 'bytes'> {
  const bytes = countOf(fields['size'])
  return bytes === undefined ? {} : { bytes }
}

/**
 * Adds the attestations of BuildKit to the children of indexes: later versions of Harbor list them
 * as accessories of a platform image and not among the references of the index
 * (src/controller/artifact/manifest/attestation.go). The entries have no tags, because the tags of
 * the list are newer if it was read again.
 */
function* withParts(
  indexes: ReadonlyMap<Digest, readonly Digest[]>,
  parts: ReadonlyMap<Digest, readonly Digest[]>,
): Generator<InventoryEntry, void> {
  for (const [digest, children] of indexes) {
    const more = children.flatMap((child) => parts.get(child) ?? [])
    if (more.length > 0) yield { digest, tags: [], children: [...new Set([...children, ...more])] }
  }
}

/** Accessories that are never in an index (src/pkg/accessory/model/accessory.go). */
const referrerTypes: ReadonlySet<string> = new Set([
  'signature.cosign',
  'signature.notation',
  'accelerator.nydus',
  'subject.accessory',
  'sbom.harbor',
])

interface ListedAccessory {
  readonly type: string
  readonly entry: InventoryEntry
}

/** The list has their subject, but neither their tags nor their pull times. */
function accessoriesOf(
  artifact: ApiFields,
  { path }: RepositoryName,
  host: string,
): readonly ListedAccessory[] {
  return optionalObjects(artifact['accessories'], host).flatMap((accessory) => {
    const repository = optionalText(accessory['subject_artifact_repo'])
    if (repository !== undefined && repository !== path) return []
    const pushedAt = timeOf(accessory['creation_time'])
    const entry: InventoryEntry = {
      digest: digestField(accessory, 'digest', host),
      tags: [],
      subject: digestField(artifact, 'digest', host),
      ...(pushedAt !== undefined && pushedAt > 0 && { pushedAt }),
      ...sizeOf(accessory),
    }
    return [{ type: optionalText(accessory['type']) ?? '', entry }]
  })
}

interface RemoveRequest {
  readonly repository: RepositoryName
  readonly batch: readonly Removal[]
  readonly beforeAttempt: BeforeAttempt | undefined
}

/**
 * A tag is deleted at its digest: a tag that moved in the meantime is absent there. 412 is an
 * immutable tag, or an index that refers to the artifact.
 */
function remove(
  api: VendorApi,
  repositoryPath: string,
  authorization: (path: string, call: Call) => Promise<string | undefined>,
  { repository, batch, beforeAttempt }: RemoveRequest,
  call: Call,
): AsyncIterable<RemovalOutcome> {
  return removeEach(batch, call, async (removal) => {
    const artifact = `${repositoryPath}/artifacts/${removal.digest}`
    const isTag = removal.kind === 'tag'
    const name = `${formatRepository(repository)}${isTag ? `:${removal.tag}` : `@${removal.digest}`}`
    const response = await api.send(
      {
        method: 'DELETE',
        path: isTag ? `${artifact}/tags/${removal.tag}` : artifact,
        authorization: await authorization(repository.path, call),
        expect: [200, 404, 412],
        doing: `delete ${name}`,
        repository,
        beforeAttempt,
      },
      call,
    )
    return await settledBy(response, [412])
  })
}
