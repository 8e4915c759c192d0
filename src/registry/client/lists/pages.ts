import { createHash } from 'node:crypto'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import { nextLink } from '../../http/headers.ts'
import type { RegistryClient } from '../client.ts'
import type { Purpose } from '../errors.ts'
import { withinList } from './next-page.ts'

/**
 * Bytes of all pages of a list: a million tags. docker-registry 2.8 sends all of them in one page.
 */
export const maxListSize: number = 64 * 1024 ** 2
/** Bounds a registry that invents new pages without end. */
const maxPages = 100_000
/**
 * Consecutive pages without a new entry. Some registries filter a list after they cut it into
 * pages.
 */
const maxPagesWithoutNews = 100

export interface ResponsePage {
  readonly response: RegistryResponse
  readonly bytes: Uint8Array
}

/** A first page that the caller has requested. */
export interface FirstPage {
  readonly url: URL
  readonly page: ResponsePage
}

export interface PagesOptions<T> {
  readonly accept: string
  readonly purpose: Purpose
  /** Returns the entries of a page. */
  readonly parse: (page: ResponsePage) => readonly T[]
  /** Returns the identity of an entry. */
  readonly keyOf: (entry: T) => string
}

/**
 * Follows a list to its end by `Link: <…>; rel="next"`, an opaque URL on the registry's own origin.
 * @throws `not-found` if the first page does not exist; `protocol` for a list that repeats a page,
 * has nothing new any more, or breaks off. An incomplete list never counts as a whole one.
 */
export async function* pages<T>(
  client: RegistryClient,
  first: URL | FirstPage,
  options: PagesOptions<T>,
  call: Call,
): AsyncGenerator<readonly T[], void> {
  const { purpose, keyOf } = options
  const pageKeys = new Set<string>()
  const addPage = (key: string): void => {
    if (pageKeys.has(key)) throw endless(purpose, 'it returned the same page twice')
    pageKeys.add(key)
  }
  const entryKeys = new Set<string>()
  let pagesWithoutNews = 0
  let remaining = maxListSize
  let url: URL | undefined = 'url' in first ? first.url : first
  for (let count = 0; url !== undefined; count++) {
    if (count === maxPages) throw endless(purpose, `it has more than ${maxPages} pages`)
    addPage(url.href)
    const { page, entries } = await readPage(
      client,
      url,
      options,
      { first: count === 0 ? first : undefined, maxSize: remaining },
      call,
    )
    remaining -= page.bytes.byteLength
    const next = nextPage(page.response.headers.get('link') ?? '', purpose, client)
    // An empty page may come twice, because some registries filter after they cut.
    if (entries.length > 0) addPage(createHash('sha256').update(page.bytes).digest('hex'))
    yield entries
    const before = entryKeys.size
    for (const entry of entries) entryKeys.add(keyOf(entry))
    pagesWithoutNews = entryKeys.size === before ? pagesWithoutNews + 1 : 0
    if (next !== undefined && pagesWithoutNews === maxPagesWithoutNews)
      throw endless(purpose, `${maxPagesWithoutNews} pages in a row had no new entry`)
    url = next === undefined ? undefined : withinList(client.follow(next, url, purpose), url)
  }
}

/**
 * Returns the entries of a list of tags or repositories: `{ "NAME": [...] }`, or null, which
 * docker-registry 2.8 writes for an empty list. They may be anything.
 * @throws `protocol` for anything else.
 */
export function parseNames(
  { bytes }: ResponsePage,
  name: 'tags' | 'repositories',
  purpose: Purpose,
): readonly unknown[] {
  let body: unknown
  try {
    body = parseJson(bytes, `the list of ${name}`)
  } catch (cause) {
    throw noList(name, purpose, { why: 'it is not JSON', cause })
  }
  const entries = isRecord(body) ? body[name] : undefined
  if (entries === null) return []
  if (!Array.isArray(entries)) throw noList(name, purpose)
  return entries
}

function noList(name: string, { doing, subject }: Purpose, context = {}): DrayError {
  return new DrayError('protocol', `cannot ${doing}: the answer is not a list of ${name}`, {
    subject,
    ...context,
  })
}

/**
 * @throws `protocol` for a link to a next page that cannot be read: without it the list is
 * incomplete.
 */
function nextPage(link: string, purpose: Purpose, client: RegistryClient): string | undefined {
  const target = nextLink(link)
  const withoutTargets = link.replaceAll(/<[^<>]*>/g, '')
  if (target !== undefined || !/\bnext\b/i.test(withoutTargets)) return target
  throw new DrayError('protocol', `cannot ${purpose.doing}: dray cannot parse the link to the next page`, {
    subject: purpose.subject,
    why: `Link: ${client.shared.redact(link).slice(0, 200)}`,
  })
}

interface PageLimits {
  /** undefined for the pages after it */
  readonly first: URL | FirstPage | undefined
  /** bytes */
  readonly maxSize: number
}

/** No digest covers the bytes of a list, so a page that cannot be parsed is requested once more. */
async function readPage<T>(
  client: RegistryClient,
  url: URL,
  options: PagesOptions<T>,
  limits: PageLimits,
  call: Call,
): Promise<{ readonly page: ResponsePage; readonly entries: readonly T[] }> {
  const { first } = limits
  const page =
    first !== undefined && 'page' in first
      ? first.page
      : await requestPage(client, url, options, limits, call)
  try {
    return { page, entries: options.parse(page) }
  } catch (error) {
    if (call.signal.aborted) throw error
    const again = await requestPage(client, url, options, limits, call)
    return { page: again, entries: options.parse(again) }
  }
}

async function requestPage(
  client: RegistryClient,
  url: URL,
  { accept, purpose }: Pick<PagesOptions<unknown>, 'accept' | 'purpose'>,
  { first, maxSize }: PageLimits,
  call: Call,
): Promise<ResponsePage> {
  const expect = first !== undefined ? [200] : [200, 404]
  return await client.shared.retry.run(
    client.registry,
    call,
    () => client.send({ method: 'GET', url, headers: { accept }, expect, purpose }, call),
    async (response) => {
      if (response.status !== 404) return { response, bytes: await response.bytes(maxSize) }
      await response.discard()
      throw endless(purpose, 'a page in the middle does not exist (404)')
    },
  )
}

function endless(purpose: Purpose, why: string): DrayError {
  return new DrayError('protocol', `cannot ${purpose.doing}: the list of the registry does not end`, {
    subject: purpose.subject,
    why,
    hint: 'Run the command again. dray does not use an incomplete list.',
  })
}
