import type {
  Inventory,
  InventoryEntry,
  InventoryLock,
  InventoryTag,
  Removal,
  RemovalOutcome,
} from '../../images/inventory/inventory.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import type { Digest } from '../../oci/digest.ts'
import { isRecord } from '../../oci/json.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import {
  answerFields,
  type ApiFields,
  countOf,
  digestField,
  latestOf,
  optionalObjects,
  optionalText,
  textField,
  timeOf,
} from './api/fields.ts'
import { removeEach, settledBy } from './api/remove-each.ts'
import type { ListOfPages } from './paging/page-bounds.ts'
import { nextPageUrl, type TokenPage, tokenPages } from './paging/token-pages.ts'
import type { VendorApi, VendorRequest, VendorResponse } from './vendor-api.ts'

/**
 * Entries of a page. The registry cuts more to 1,000 (github.com/Azure/acr/issues/749), and sends
 * 100 without `n`.
 */
const pageSize = '1000'

/** Statuses of a delete that a lock refuses (github.com/Azure/acr-cli/issues/70: 405). */
const lockedStatuses: readonly number[] = [405, 409, 412, 423]

/**
 * Creates the inventory of an Azure container registry: the API at `/acr/v1/` of the registry, with
 * the registry's own tokens (github.com/Azure/acr-cli, docs/swagger.yaml;
 * github.com/Azure/azure-rest-api-specs, containerregistry.json). Each request names its
 * repository in the scope, because registries with permissions by repository (ABAC) ignore
 * wildcards (acr-cli, internal/api/acrsdk.go).
 */
export function createAcrInventory(api: VendorApi): Inventory {
  return {
    kind: 'acr',
    name: 'Azure Container Registry',
    // The references of an index need a request for each index. No pull is counted, and dray reads
    // the indexes themselves.
    knows: {
      untagged: true,
      pushedAt: true,
      pulledAt: 'no',
      size: 'content',
      children: false,
      locks: true,
    },
    // Manifests are deleted through the OCI API. Only a registry with a soft delete policy, which
    // the API does not show, can restore them.
    deletes: { manifests: 'no', tags: 1, lastTagDeletesManifest: false, restorable: false },
    entries: (repository, call) => listEntries(api, repository, call),
    repositories: (prefix, call) => listRepositories(api, prefix, call),
    remove: (repository, batch, call, beforeAttempt) =>
      removeTags(api, repository, batch, call, beforeAttempt),
  }
}

/**
 * Lists the manifests and then the tags. The list of manifests shows at most ten tags of one
 * (github.com/Azure/azure-cli/issues/7438) and no locks of tags
 * (github.com/Azure/acr/issues/495). Tags come last, because a manifest that was tagged in between
 * would look untagged.
 */
async function* listEntries(
  api: VendorApi,
  repository: RepositoryName,
  call: Call,
): AsyncGenerator<InventoryEntry, void> {
  const lists = new RepositoryLists(api, repository)
  const lock = await lists.lock(call)
  for await (const manifests of lists.pages('_manifests', 'manifests', call)) {
    for (const fields of manifests) yield manifestEntry(fields, lock, lists.list.host)
  }
  for await (const tags of lists.pages('_tags', 'tags', call)) yield* tagEntries(tags, lists.list.host)
}

/** The lists of one repository. */
class RepositoryLists {
  readonly #api: VendorApi
  readonly #repository: RepositoryName
  readonly list: ListOfPages

  constructor(api: VendorApi, repository: RepositoryName) {
    this.#api = api
    this.#repository = repository
    const subject = formatRepository(repository)
    this.list = { doing: `list the manifests of ${subject}`, subject, host: api.base.host }
  }

  /** Returns the lock of the repository, which is a lock of all that it contains. */
  async lock(call: Call): Promise<InventoryLock | undefined> {
    const answer = await this.#get('', call)
    return lockOf(this.#checked(await answer.json()), ' of the repository')
  }

  pages(
    path: '_manifests' | '_tags',
    key: 'manifests' | 'tags',
    call: Call,
  ): AsyncGenerator<readonly ApiFields[], void> {
    return tokenPages(this.list, async (next): Promise<TokenPage<ApiFields>> => {
      const answer = await (next === undefined
        ? this.#get(`/${path}`, call, { n: pageSize })
        : this.#get(new URL(next), call))
      const fields = this.#checked(await answer.json())
      return {
        items: optionalObjects(fields[key], this.list.host),
        bytes: answer.bytes,
        next: nextPageUrl(answer),
      }
    })
  }

  #get(path: string | URL, call: Call, query?: VendorRequest['query']): Promise<VendorResponse> {
    const repository = this.#repository
    return this.#api.send(
      {
        method: 'GET',
        path: typeof path === 'string' ? `${pathOf(repository)}${path}` : path,
        ...(query !== undefined && { query }),
        authorization: { scopes: [{ repository, actions: ['metadata_read'] }] },
        expect: [200],
        doing: this.list.doing,
        repository,
      },
      call,
    )
  }

  /** @throws `protocol` for the answer of another program, which would look like an empty list. */
  #checked(answer: unknown): ApiFields {
    const { doing, subject, host } = this.list
    const fields = answerFields(answer, host)
    if (fields['imageName'] === this.#repository.path) return fields
    throw new DrayError('protocol', `cannot ${doing}: ${host} sent an invalid answer`, {
      subject,
      why: '"imageName" is not the name of the repository',
    })
  }
}

function pathOf({ path }: RepositoryName): string {
  return `/acr/v1/${path}`
}

/**
 * The push time is the later one of both times: a manifest that is pushed again keeps
 * `createdTime`. `lastUpdateTime` also changes with its tags and locks, so that it is kept for
 * longer.
 */
function manifestEntry(
  fields: ApiFields,
  lockOfRepository: InventoryLock | undefined,
  host: string,
): InventoryEntry {
  const digest = digestField(fields, 'digest', host)
  const pushedAt = latestOf(timeOf(fields['createdTime']), timeOf(fields['lastUpdateTime']))
  const mediaType = optionalText(fields['mediaType'])
  // Nothing says whether the size of an index has its children.
  const bytes = mediaType === undefined || isIndexType(mediaType) ? undefined : countOf(fields['imageSize'])
  const locked = lockOf(fields) ?? lockOfRepository
  const names = Array.isArray(fields['tags']) ? fields['tags'] : []
  return {
    digest,
    tags: names.flatMap((name) => (typeof name === 'string' ? [{ name }] : [])),
    ...(mediaType !== undefined && { mediaType }),
    ...(pushedAt !== undefined && { pushedAt }),
    ...(bytes !== undefined && { bytes }),
    ...(locked !== undefined && { locked }),
  }
}

/** Returns one entry for each digest that tags of a page are on. */
function tagEntries(page: readonly ApiFields[], host: string): readonly InventoryEntry[] {
  const byDigest = new Map<Digest, InventoryTag[]>()
  for (const fields of page) {
    const digest = digestField(fields, 'digest', host)
    const tags = byDigest.get(digest) ?? []
    byDigest.set(digest, tags)
    tags.push(tagOf(fields, host))
  }
  return [...byDigest].map(([digest, tags]) => ({ digest, tags }))
}

function tagOf(fields: ApiFields, host: string): InventoryTag {
  const pushedAt = timeOf(fields['lastUpdateTime']) ?? timeOf(fields['createdTime'])
  const locked = lockOf(fields)
  return {
    name: textField(fields, 'name', host),
    ...(pushedAt !== undefined && { pushedAt }),
    ...(locked !== undefined && { locked }),
  }
}

/**
 * Reads a lock (learn.microsoft.com, container-registry-image-lock): `writeEnabled: false` forbids
 * deletes too.
 */
function lockOf({ changeableAttributes }: ApiFields, of = ''): InventoryLock | undefined {
  if (!isRecord(changeableAttributes)) return undefined
  if (changeableAttributes['writeEnabled'] === false) return { of: 'write', text: `writeEnabled: false${of}` }
  return changeableAttributes['deleteEnabled'] === false
    ? { of: 'delete', text: `deleteEnabled: false${of}` }
    : undefined
}

async function* listRepositories(api: VendorApi, prefix: string, call: Call): AsyncGenerator<string, void> {
  const { registry, base } = api
  const doing = `list the repositories of ${registry}`
  const list = { doing, subject: registry, host: base.host }
  const pages = tokenPages(list, async (next): Promise<TokenPage<string>> => {
    const answer = await api.send(
      {
        method: 'GET',
        ...(next === undefined
          ? { path: '/acr/v1/_catalog', query: { n: pageSize } }
          : { path: new URL(next) }),
        authorization: { scopes: [{ catalog: '*' }] },
        expect: [200],
        doing,
      },
      call,
    )
    const names = answerFields(await answer.json(), base.host)['repositories'] ?? []
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
      throw new DrayError('protocol', `cannot ${doing}: ${base.host} sent no list of names`)
    return { items: names, bytes: answer.bytes, next: nextPageUrl(answer) }
  })
  for await (const names of pages) yield* names.filter((name) => name.startsWith(prefix))
}

function removeTags(
  api: VendorApi,
  repository: RepositoryName,
  batch: readonly Removal[],
  call: Call,
  beforeAttempt: BeforeAttempt | undefined,
): AsyncGenerator<RemovalOutcome, void> {
  return removeEach(batch, call, async (removal) => {
    if (removal.kind !== 'tag')
      throw new DrayError('internal', 'manifests are deleted through the OCI API only')
    const response = await api.send(
      {
        method: 'DELETE',
        path: `${pathOf(repository)}/_tags/${removal.tag}`,
        authorization: { scopes: [{ repository, actions: ['delete'] }] },
        expect: [202, 404, ...lockedStatuses],
        doing: `delete the tag ${removal.tag} of ${formatRepository(repository)}`,
        repository,
        beforeAttempt,
      },
      call,
    )
    return await settledBy(response, lockedStatuses)
  })
}
