import type { Call } from '../../../lib/call.ts'
import { isTag } from '../../../oci/reference.ts'
import type { RepositoryClient } from '../client.ts'
import { type ResponsePage, pages, parseNames } from './pages.ts'

/** The most tags in a page that distribution 3.1 and ECR accept. */
const pageSize = 1000

/**
 * Lists the tags of a repository page by page (distribution-spec, Listing Tags).
 * @throws `not-found`; `protocol` for an answer that is no list of tags.
 */
export function tagPages(client: RepositoryClient, call: Call): AsyncGenerator<readonly string[], void> {
  const purpose = client.describe('list the tags', '', 'read')
  const options = {
    accept: 'application/json',
    purpose,
    parse: (page: ResponsePage) => parseNames(page, 'tags', purpose, isTag),
    keyOf: (tag: string) => tag,
  }
  return pages(client, client.url('tags/list', `n=${pageSize}`), options, call)
}
