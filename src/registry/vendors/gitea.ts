import { inParallel } from '../../images/parallel.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { BeforeAttempt } from '../../lib/freshness.ts'
import type { Inventory, InventoryEntry, Removal, RemovalOutcome } from '../../images/inventory/inventory.ts'
import { isDigest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { type ApiFields, objectsOf, optionalText, textField, timeOf, totalOf } from './api/fields.ts'
import { removeEach, settledBy } from './api/remove-each.ts'
import { type NumberedPage, numberedPages } from './paging/numbered-pages.ts'
import type { VendorApi, VendorSecret } from './vendor-api.ts'

/** MAX_RESPONSE_ITEMS of a server decides (go-gitea/gitea, modules/setting/api.go). */
const pageSize = 50
/** Tags that are resolved at once. */
const tagsAtOnce = 8

/**
 * The inventory of Gitea and Forgejo (go-gitea/gitea, routers/api/v1/packages/package.go). A
 * version of a package is a tag, whose digest takes a HEAD, or the digest of a manifest that was
 * pushed by digest (routers/api/packages/container/manifest.go). `q` finds all packages whose name
 * contains it. The OCI API deletes all versions of a digest. This API deletes one version: a tag,
 * and the manifest with it if that was its last version.
 */
export function createGiteaInventory(api: VendorApi): Inventory {
  const authorization = async (path: string, call: Call): Promise<string | undefined> => {
    const secret = await api.secret(path, call)
    return secret && giteaAuthorization(secret)
  }

  async function* entries(repository: RepositoryName, call: Call): AsyncGenerator<InventoryEntry, void> {
    const { owner, name } = packageOf(repository)
    const subject = formatRepository(repository)
    const doing = `list the versions of ${subject}`
    const query = { type: 'container', q: name }
    const pages = versionPages(api, { owner, query, doing, subject, repository }, authorization, call)
    for await (const page of pages) {
      const own = page.filter((version) => version['type'] === 'container' && version['name'] === name)
      yield* await inParallel(own, tagsAtOnce, call, (version, sent) =>
        entryOf(version, repository, sent),
      ).then((found) => found.filter((entry) => entry !== undefined))
    }
  }

  const entryOf = async (
    version: ApiFields,
    repository: RepositoryName,
    call: Call,
  ): Promise<InventoryEntry | undefined> => {
    const name = textField(version, 'version', api.base.host)
    const time = timeOf(version['created_at'])
    const pushed = time !== undefined && time > 0 ? { pushedAt: time } : {}
    if (isDigest(name)) return { digest: name, tags: [], ...pushed, handle: name }
    const digest = await api.resolveTag(repository, name, call)
    // The tag was deleted since.
    if (digest === undefined) return undefined
    return { digest, tags: [{ name, ...pushed }], ...pushed }
  }

  return {
    kind: 'gitea',
    name: 'Gitea or Forgejo',
    knows: { untagged: true, pushedAt: true, pulledAt: 'no', size: 'no', children: false, locks: false },
    deletes: { manifests: 'no', tags: 1, lastTagDeletesManifest: true, restorable: false },
    entries,
    remove: (repository, batch, call, beforeAttempt) =>
      removeTags(api, authorization, { repository, batch, beforeAttempt }, call),
  }
}

type Authorize = (path: string, call: Call) => Promise<string | undefined>

/** Basic, or the scheme of Gitea's tokens (docs.gitea.com, API usage, Authentication). */
function giteaAuthorization({ username, secret }: VendorSecret): string {
  if (username === undefined) return `token ${secret}`
  return `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`
}

/** The first component is the owner, and the others are the name of the package. */
function packageOf(repository: RepositoryName): { readonly owner: string; readonly name: string } {
  const slash = repository.path.indexOf('/')
  if (slash > 0) return { owner: repository.path.slice(0, slash), name: repository.path.slice(slash + 1) }
  const subject = formatRepository(repository)
  const why = 'a repository of Gitea has an owner: OWNER/NAME'
  throw new DrayError('unsupported', `cannot list the versions of ${subject}`, { subject, why })
}

interface VersionList {
  readonly owner: string
  readonly query: Readonly<Record<string, string>>
  readonly doing: string
  readonly subject: string
  readonly repository: RepositoryName
}

function versionPages(
  api: VendorApi,
  { owner, query, doing, subject, repository }: VersionList,
  authorization: Authorize,
  call: Call,
): AsyncIterable<readonly ApiFields[]> {
  const { host } = api.base
  const read = async (page: number, sent: Call): Promise<NumberedPage<ApiFields>> => {
    const response = await api.send(
      {
        method: 'GET',
        path: `/api/v1/packages/${owner}`,
        query: { ...query, page: String(page), limit: String(pageSize) },
        authorization: await authorization(repository.path, sent),
        expect: [200],
        doing,
        repository,
      },
      sent,
    )
    const items = objectsOf(await response.json(), host)
    return { items, bytes: response.bytes, total: totalOf(response) }
  }
  const keyOf = (version: ApiFields): string =>
    `${optionalText(version['name'])}:${textField(version, 'version', host)}`
  return numberedPages({ doing, subject, host, read, keyOf }, call)
}

interface TagRemovals {
  readonly repository: RepositoryName
  readonly batch: readonly Removal[]
  readonly beforeAttempt: BeforeAttempt | undefined
}

function removeTags(
  api: VendorApi,
  authorization: Authorize,
  { repository, batch, beforeAttempt }: TagRemovals,
  call: Call,
): AsyncIterable<RemovalOutcome> {
  return removeEach(batch, call, async (removal) => {
    const subject = formatRepository(repository)
    if (removal.kind === 'manifest')
      throw new DrayError(
        'unsupported',
        `cannot delete ${subject}@${removal.digest} through the API of Gitea`,
        {
          why: 'the API deletes one version, and a manifest can have several',
        },
      )
    const { owner, name } = packageOf(repository)
    const path = `/api/v1/packages/${owner}/container/${encodeURIComponent(name)}/${removal.tag}`
    const response = await api.send(
      {
        method: 'DELETE',
        path,
        authorization: await authorization(repository.path, call),
        expect: [204, 404],
        doing: `delete ${subject}:${removal.tag}`,
        repository,
        beforeAttempt,
      },
      call,
    )
    return await settledBy(response, [])
  })
}
