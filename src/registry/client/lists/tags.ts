import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import { isRecord, parseJson } from '../../../oci/json.ts'
import { isTag } from '../../../oci/reference.ts'
import type { RepositoryClient } from '../client.ts'
import type { Purpose } from '../errors.ts'
import { pages } from './pages.ts'

/** Tags asked for in a page: the most that distribution 3.1 and ECR accept. */
const pageSize = 1000

/**
 * The tags of a repository page by page (distribution-spec, Listing Tags). @throws `not-found`, `protocol`
 * for what is no list of tags.
 */
export async function* tagPages(
  client: RepositoryClient,
  call: Call,
): AsyncGenerator<readonly string[], void> {
  const purpose = client.describe('list the tags', '', 'read')
  const first = client.url('tags/list', `n=${pageSize}`)
  yield* pages(
    client,
    first,
    {
      accept: 'application/json',
      purpose,
      parse: (page) => parseTags(page.bytes, purpose),
      keyOf: (tag) => tag,
    },
    call,
  )
}

function parseTags(bytes: Uint8Array, purpose: Purpose): readonly string[] {
  let body: unknown
  try {
    body = parseJson(bytes, 'the list of tags')
  } catch (cause) {
    throw noList(purpose, cause)
  }
  const tags = isRecord(body) ? body['tags'] : undefined
  // docker-registry 2.8 writes an empty list as null
  if (isRecord(body) && tags === null) return []
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) throw noList(purpose)
  const bad = tags.find((tag) => !isTag(tag))
  if (bad !== undefined) {
    throw new DrayError('protocol', `cannot ${purpose.doing}: the registry lists a tag that is none`, {
      subject: purpose.subject,
      why: JSON.stringify(bad.slice(0, 200)),
    })
  }
  return tags
}

function noList(purpose: Purpose, cause?: unknown): DrayError {
  return new DrayError('protocol', `cannot ${purpose.doing}: the answer is no list of tags`, {
    subject: purpose.subject,
    ...(cause !== undefined && { cause }),
  })
}
