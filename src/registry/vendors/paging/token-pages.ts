import { nextLink } from '../../http/headers.ts'
import type { VendorResponse } from '../vendor-api.ts'
import { brokenList, type ListOfPages, PageBounds } from './page-bounds.ts'

/** A page of a list in which each page names the next one. */
export interface TokenPage<T> {
  readonly items: readonly T[]
  /** of the answer */
  readonly bytes: number
  /** what the next request needs: a token or a URL; undefined or empty: this is the last page */
  readonly next: string | undefined
}

/**
 * Reads the pages of a list in order, each with what the one before named. A page may be empty:
 * AWS and Google send such pages before the end.
 * @param read is called with undefined for the first page
 * @throws `protocol` if a page names one that was read before; `unsupported` for a list without
 * end; what `read` throws.
 */
export async function* tokenPages<T>(
  list: ListOfPages,
  read: (token: string | undefined) => Promise<TokenPage<T>>,
): AsyncGenerator<readonly T[], void> {
  const seen = new Set<string>()
  const bounds = new PageBounds(list)
  let token: string | undefined
  do {
    const { items, bytes, next } = await read(token)
    bounds.add(bytes)
    yield items
    token = next === '' ? undefined : next
    if (token !== undefined && seen.has(token))
      throw brokenList(list, 'a page names one that was read before')
    if (token !== undefined) seen.add(token)
  } while (token !== undefined)
}

/**
 * Returns the URL of `rel=next` in `Link` (RFC 8288), absolute. `VendorApi.send` refuses one of
 * another origin. An unreadable URL is returned unchanged, so that it is an error and not the end.
 */
export function nextPageUrl({ headers, url }: Pick<VendorResponse, 'headers' | 'url'>): string | undefined {
  const target = nextLink(headers.get('link') ?? '')
  if (target === undefined) return undefined
  return URL.canParse(target, url.href) ? new URL(target, url).href : target
}
