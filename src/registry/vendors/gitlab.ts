import type { Inventory, InventoryEntry, InventoryTag } from '../../images/inventory/inventory.ts'
import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import type { Scope } from '../http/fetch.ts'
import { SharedWork } from '../http/shared-work.ts'
import { settingLine } from '../http/transport/origins.ts'
import {
  type ApiFields,
  countOf,
  digestField,
  latestOf,
  objectsOf,
  optionalText,
  textField,
  timeOf,
} from './api/fields.ts'
import type { ListOfPages } from './paging/page-bounds.ts'
import { nextPageUrl, type TokenPage, tokenPages } from './paging/token-pages.ts'
import type { VendorApi } from './vendor-api.ts'

/** The most entries of a page. */
const pageSize = '1000'

/** Segments of the shortest path of a project. Tokens for a group do not exist. */
const minProjectDepth = 2

/**
 * Creates the inventory of a GitLab container registry: the API at `/gitlab/v1/` of the registry,
 * with the registry's own tokens (gitlab.com/gitlab-org/container-registry,
 * docs/spec/gitlab/api.md). It needs the metadata database. The API of GitLab itself (`/api/v4`) is
 * not used: its `created_at` is the time of the manifest, and its bulk delete has rules of its own.
 */
export function createGitLabInventory(api: VendorApi): Inventory {
  const lists = new GitLabLists(api)
  return {
    kind: 'gitlab',
    name: 'GitLab',
    knows: {
      untagged: false,
      pushedAt: true,
      pulledAt: 'no',
      size: 'image',
      children: false,
      locks: false,
    },
    deletes: { manifests: 'no', tags: 'no', lastTagDeletesManifest: false, restorable: false },
    entries: (repository, call) => lists.entries(repository, call),
    repositories: (prefix, call) => lists.repositories(prefix, call),
  }
}

class GitLabLists {
  readonly #api: VendorApi
  /** one error for the whole run, so that it is reported once */
  #missing: DrayError | undefined
  #isPresent = false
  readonly #check: SharedWork<void>

  constructor(api: VendorApi) {
    this.#api = api
    this.#check = new SharedWork((call) => this.#checkDatabase(call))
  }

  /** Lists the tags of a repository, by digest. */
  async *entries(repository: RepositoryName, call: Call): AsyncGenerator<InventoryEntry, void> {
    const subject = formatRepository(repository)
    const list = { doing: `list the tags of ${subject}`, subject, host: this.#api.base.host }
    const pages = this.#pages(`repositories/${repository.path}/tags/list/`, repository, list, call)
    for await (const tags of pages) yield* entriesOf(tags, list.host)
  }

  async *repositories(prefix: string, call: Call): AsyncGenerator<string, void> {
    const { registry, base } = this.#api
    const path = prefix.slice(0, Math.max(prefix.lastIndexOf('/'), 0))
    const subject = path === '' ? registry : `${registry}/${path}`
    const list = { doing: `list the repositories of ${subject}`, subject, host: base.host }
    if (path.split('/').length < minProjectDepth)
      throw new DrayError('unsupported', `cannot ${list.doing}: GitLab lists those of a project only`, {
        subject,
        hint: `Name the project: ${registry}/GROUP/PROJECT/*`,
      })
    const pages = this.#pages(`repository-paths/${path}/repositories/list/`, { registry, path }, list, call)
    for await (const page of pages) yield* page.map((fields) => textField(fields, 'path', base.host))
  }

  /** The path needs its final slash: the registry redirects without it. */
  #pages(
    path: string,
    repository: RepositoryName,
    list: ListOfPages,
    call: Call,
  ): AsyncGenerator<readonly ApiFields[], void> {
    return tokenPages(list, async (next): Promise<TokenPage<ApiFields>> => {
      const answer = await this.#api.send(
        {
          method: 'GET',
          ...(next === undefined
            ? { path: `/gitlab/v1/${path}`, query: { n: pageSize } }
            : { path: new URL(next) }),
          authorization: { scopes: [{ repository, actions: ['pull'] }] },
          expect: [200, 404],
          doing: list.doing,
          repository,
        },
        call,
      )
      if (answer.status === 404) {
        await this.#check.result(call)
        throw new DrayError('not-found', `cannot ${list.doing}: it does not exist`, {
          subject: list.subject,
          status: 404,
        })
      }
      const items = objectsOf(await answer.json(), list.host)
      return { items, bytes: answer.bytes, next: nextPageUrl(answer) }
    })
  }

  /**
   * A 404 of a list has two meanings. The answer of the root of the API separates them (Compliance
   * check).
   * @throws `unsupported` if the registry does not have the API.
   */
  async #checkDatabase(call: Call): Promise<void> {
    if (this.#isPresent) return
    if (this.#missing !== undefined) throw this.#missing
    const { registry } = this.#api
    const scopes: readonly Scope[] = []
    const request = { method: 'GET', path: '/gitlab/v1/', authorization: { scopes } } as const
    const doing = `check the API of ${registry}`
    const { status } = await this.#api.send({ ...request, expect: [200, 404], doing }, call)
    this.#isPresent = status === 200
    if (!this.#isPresent) throw (this.#missing = missingDatabase(registry))
  }
}

function missingDatabase(registry: string): DrayError {
  return new DrayError('unsupported', `${registry} has no list of tags with times`, {
    subject: registry,
    status: 404,
    why: 'GET /gitlab/v1/ answered 404: the registry runs without its metadata database',
    hint: `Enable the metadata database of the container registry, or set ${settingLine(registry, 'kind: none')}`,
  })
}

/** Returns one entry for each digest that tags of a page are on. */
function entriesOf(page: readonly ApiFields[], host: string): readonly InventoryEntry[] {
  const byDigest = new Map<Digest, InventoryEntry>()
  for (const fields of page) {
    const digest = digestField(fields, 'digest', host)
    const tag = tagOf(fields, host)
    const known = byDigest.get(digest) ?? { digest, tags: [] }
    const pushedAt = latestOf(known.pushedAt, tag.pushedAt)
    const mediaType = optionalText(fields['media_type'])
    const bytes = countOf(fields['size_bytes'])
    byDigest.set(digest, {
      digest,
      tags: [...known.tags, tag],
      ...(pushedAt !== undefined && { pushedAt }),
      ...(mediaType !== undefined && { mediaType }),
      ...(bytes !== undefined && { bytes }),
    })
  }
  return [...byDigest.values()]
}

/**
 * `published_at` is the time of the last push of the tag. Versions before it have the two times of
 * which it is the later one.
 */
function tagOf(fields: ApiFields, host: string): InventoryTag {
  const pushedAt =
    timeOf(fields['published_at']) ?? latestOf(timeOf(fields['created_at']), timeOf(fields['updated_at']))
  return { name: textField(fields, 'name', host), ...(pushedAt !== undefined && { pushedAt }) }
}
