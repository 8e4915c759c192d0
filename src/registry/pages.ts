import { createHash } from 'node:crypto'
import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import type { RegistryResponse } from '../http/fetch.ts'
import type { RepositoryClient } from './client.ts'
import type { Attempt } from './errors.ts'
import { nextLink } from './headers.ts'

/** The largest page that is read, in bytes: docker-registry 2.8 gives all tags in one. */
const maxPageSize = 64 * 1024 ** 2
/** More pages than any list has; bounds a registry that makes up ever new ones. */
const maxPages = 100_000

export interface Page {
  readonly response: RegistryResponse
  readonly bytes: Uint8Array
}

export interface PagesOptions {
  readonly accept: string
  readonly attempt: Attempt
}

/**
 * Follows a list to its end by `Link: <…>; rel="next"`, an opaque URL on the registry's own origin. Gives undefined, once, where the list is not there (404).
 * @throws `protocol` for a list that goes round in circles or breaks off: an incomplete list is never given for a whole one.
 */
export async function* pages(
  client: RepositoryClient,
  first: URL,
  options: PagesOptions,
  call: Call,
): AsyncGenerator<Page | undefined, void> {
  const { attempt } = options
  const seen = new Set<string>()
  const add = (key: string): void => {
    if (seen.has(key)) throw endless(attempt, 'it gave the same page twice')
    seen.add(key)
  }
  let url: URL | undefined = first
  for (let count = 0; url !== undefined; count++) {
    if (count === maxPages) throw endless(attempt, `it has more than ${maxPages} pages`)
    add(url.href)
    const page = await readPage(client, url, options, call)
    if (page === undefined) {
      if (count > 0) throw endless(attempt, 'a page in the middle is not there (404)')
      yield undefined
      return
    }
    const next = nextLink(page.response.headers.get('link'))
    if (next !== undefined || count > 0) add(createHash('sha256').update(page.bytes).digest('hex'))
    yield page
    url = next === undefined ? undefined : client.follow(next, url, attempt)
  }
}

async function readPage(
  client: RepositoryClient,
  url: URL,
  { accept, attempt }: PagesOptions,
  call: Call,
): Promise<Page | undefined> {
  return await client.run.retry.run(
    client.repository.registry,
    call,
    () => client.send({ method: 'GET', url, headers: { accept }, expect: [200, 404], attempt }, call),
    async (response) => {
      if (response.status === 404) return await notThere(response)
      return { response, bytes: await response.bytes(maxPageSize) }
    },
  )
}

async function notThere(response: RegistryResponse): Promise<undefined> {
  await response.discard()
  return undefined
}

function endless(attempt: Attempt, why: string): DrayError {
  return new DrayError('protocol', `cannot ${attempt.doing}: the registry's list does not come to an end`, {
    subject: attempt.subject,
    why,
    hint: 'An incomplete list is not used. If the registry changed meanwhile, run again.',
  })
}
