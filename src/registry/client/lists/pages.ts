import { createHash } from 'node:crypto'
import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import { nextLink } from '../../http/headers.ts'
import type { RegistryClient } from '../client.ts'
import type { Purpose } from '../errors.ts'

/** All pages of a list together, in bytes: a million tags. docker-registry 2.8 gives all of them in one. */
const maxListSize = 64 * 1024 ** 2
/** More pages than any list has; bounds a registry that makes up ever new ones. */
const maxPages = 100_000
/** So many pages in a row may have no new entry: some registries filter a list after they cut it into pages. */
const maxFruitlessPages = 100

interface Page {
  readonly response: RegistryResponse
  readonly bytes: Uint8Array
}

export interface PagesOptions<T> {
  readonly accept: string
  readonly purpose: Purpose
  /** the entries of a page */
  readonly parse: (page: Page) => readonly T[]
  /** what makes an entry another one */
  readonly keyOf: (entry: T) => string
}

/**
 * Follows a list to its end by `Link: <…>; rel="next"`, an opaque URL on the registry's own origin.
 * @throws `not-found` where the first page is not there; `protocol` for a list that goes round in circles, brings
 * nothing new any more or breaks off: an incomplete list is never given for a whole one.
 */
export async function* pages<T>(
  client: RegistryClient,
  first: URL,
  options: PagesOptions<T>,
  call: Call,
): AsyncGenerator<readonly T[], void> {
  const { purpose } = options
  const seen = new Set<string>()
  const add = (key: string): void => {
    if (seen.has(key)) throw endless(purpose, 'it gave the same page twice')
    seen.add(key)
  }
  let url: URL | undefined = first
  let left = maxListSize
  const novelty = new Novelty(options.keyOf)
  for (let count = 0; url !== undefined; count++) {
    if (count === maxPages) throw endless(purpose, `it has more than ${maxPages} pages`)
    add(url.href)
    const { page, entries } = await readEntries(
      client,
      url,
      options,
      { isFirst: count === 0, maxSize: left },
      call,
    )
    left -= page.bytes.byteLength
    const next = nextPage(page.response.headers.get('link') ?? '', purpose, client)
    // an empty page may come again: some registries filter after they cut
    if (entries.length > 0) add(createHash('sha256').update(page.bytes).digest('hex'))
    yield entries
    if (next !== undefined && novelty.fruitlessAfter(entries) === maxFruitlessPages) {
      throw endless(purpose, `${maxFruitlessPages} pages in a row have no new entry`)
    }
    url = next === undefined ? undefined : client.follow(next, url, purpose)
  }
}

/** Counts pages in a row that bring nothing new. */
class Novelty<T> {
  readonly #keyOf: (entry: T) => string
  readonly #known = new Set<string>()
  #fruitless = 0

  constructor(keyOf: (entry: T) => string) {
    this.#keyOf = keyOf
  }

  /** The number of pages without a new entry, up to this one. */
  fruitlessAfter(entries: readonly T[]): number {
    const before = this.#known.size
    for (const entry of entries) this.#known.add(this.#keyOf(entry))
    this.#fruitless = this.#known.size === before ? this.#fruitless + 1 : 0
    return this.#fruitless
  }
}

/** @throws `protocol` for a link that speaks of a next page and cannot be read: without that page the list would be incomplete. */
function nextPage(link: string, purpose: Purpose, client: RegistryClient): string | undefined {
  const target = nextLink(link)
  const withoutTargets = link.replaceAll(/<[^<>]*>/g, '')
  if (target !== undefined || !/\bnext\b/i.test(withoutTargets)) return target
  throw new DrayError('protocol', `cannot ${purpose.doing}: the link to the next page cannot be read`, {
    subject: purpose.subject,
    why: `Link: ${client.shared.redact(link).slice(0, 200)}`,
  })
}

/** A page that cannot be read is asked for again a few times: nothing vouches for its bytes. */
async function readEntries<T>(
  client: RegistryClient,
  url: URL,
  options: PagesOptions<T>,
  limits: PageLimits,
  call: Call,
): Promise<{ readonly page: Page; readonly entries: readonly T[] }> {
  const { retry } = client.shared
  for (let failures = 1; ; failures++) {
    const page = await readPage(client, url, options, limits, call)
    if (page === undefined) throw endless(options.purpose, 'a page in the middle is not there (404)')
    try {
      return { page, entries: options.parse(page) }
    } catch (error) {
      if (failures >= retry.corruptAttempts || call.signal.aborted) throw error
      await retry.wait(failures, call)
    }
  }
}

interface PageLimits {
  readonly isFirst: boolean
  /** bytes */
  readonly maxSize: number
}

async function readPage(
  client: RegistryClient,
  url: URL,
  { accept, purpose }: Pick<PagesOptions<unknown>, 'accept' | 'purpose'>,
  { isFirst, maxSize }: PageLimits,
  call: Call,
): Promise<Page | undefined> {
  return await client.shared.retry.run(
    client.registry,
    call,
    () =>
      client.send(
        { method: 'GET', url, headers: { accept }, expect: isFirst ? [200] : [200, 404], purpose },
        call,
      ),
    async (response) => {
      if (response.status === 404) return await notThere(response)
      return { response, bytes: await response.bytes(maxSize) }
    },
  )
}

async function notThere(response: RegistryResponse): Promise<undefined> {
  await response.discard()
  return undefined
}

function endless(purpose: Purpose, why: string): DrayError {
  return new DrayError('protocol', `cannot ${purpose.doing}: the registry's list does not come to an end`, {
    subject: purpose.subject,
    why,
    hint: 'An incomplete list is not used. If the registry changed meanwhile, run again.',
  })
}
