import type { InventoryEntry } from '../../../images/inventory/inventory.ts'
import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { isRecord } from '../../../oci/json.ts'
import type { RepositoryName } from '../../../oci/reference.ts'
import { linkTo } from '../../http/headers.ts'
import type { PageToLast } from '../paging/pages-to-last.ts'
import { type GitHubApi, unexpected } from './github-api.ts'

/** docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api */
const perPage = '100'

interface VersionPageRequest<T> {
  readonly repository: RepositoryName
  /** below the path of the owner */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly doing: string
  readonly page: number
  /** the same page, read before */
  readonly earlier: PageToLast<T> | undefined
  /** Reads an item; undefined if it is not of the documented form. */
  readonly itemOf: (value: unknown) => T | undefined
}

/**
 * Reads a page. If the answer is the earlier one, GitHub sends 304, which no limit of requests
 * counts, and the earlier page is returned. The pages are numbered: the targets of `Link` have
 * another path than the request, and only the number of the last page is read from them.
 */
export async function listPage<T>(
  github: GitHubApi,
  { repository, path, query, doing, page, earlier, itemOf }: VersionPageRequest<T>,
  call: Call,
): Promise<PageToLast<T>> {
  const etag = earlier?.etag
  const response = await github.send(
    {
      method: 'GET',
      repository,
      path,
      query: { ...query, per_page: perPage, page: String(page) },
      etag,
      expect: etag === undefined ? [200] : [200, 304],
      doing,
    },
    call,
  )
  if (response.status === 304 && earlier !== undefined) return earlier
  const body = await response.json()
  if (!Array.isArray(body)) throw unexpected(repository, doing, `${github.host} sent no list`)
  const items = body.map((value) => {
    const item = itemOf(value)
    if (item === undefined) throw unexpected(repository, doing, `${github.host} sent an unknown item`)
    return item
  })
  const link = response.headers.get('link') ?? ''
  return {
    items,
    bytes: response.bytes,
    last: pageOf(linkTo(link, 'last'), response.url) ?? (linkTo(link, 'next') ? undefined : page),
    hasNext: linkTo(link, 'next') !== undefined,
    etag: response.headers.get('etag'),
  }
}

function pageOf(target: string | undefined, base: URL): number | undefined {
  if (target === undefined || !URL.canParse(target, base.href)) return undefined
  const page = new URL(target, base).searchParams.get('page') ?? ''
  return /^[1-9]\d{0,6}$/.test(page) ? Number(page) : undefined
}

/**
 * A version of a container: `name` is its digest. Without a list of tags it is invalid, because its
 * manifest would look untagged.
 */
export function versionOf(value: unknown): InventoryEntry | undefined {
  if (!isRecord(value)) return undefined
  const { id, name, created_at: createdAt, metadata } = value
  const container = isRecord(metadata) ? metadata['container'] : undefined
  const tags: unknown = isRecord(container) ? container['tags'] : undefined
  if (!Number.isSafeInteger(id) || typeof name !== 'string' || !Array.isArray(tags)) return undefined
  const pushedAt = typeof createdAt === 'string' ? Date.parse(createdAt) : Number.NaN
  return {
    // The inventory is checked for digests and tags as a whole.
    digest: name as Digest,
    tags: tags.map((tag) => ({ name: String(tag) })),
    ...(!Number.isNaN(pushedAt) && { pushedAt }),
    handle: String(id),
  }
}

/** The name of a package. */
export function packageOf(value: unknown): string | undefined {
  return isRecord(value) && typeof value['name'] === 'string' ? value['name'] : undefined
}
