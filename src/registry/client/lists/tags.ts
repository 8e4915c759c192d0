import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { formatRepository, isTag } from '../../../oci/reference.ts'
import type { InvalidTags } from '../../../images/ports.ts'
import type { RepositoryClient } from '../client.ts'
import { InvalidEntries } from './invalid-entries.ts'
import { type ResponsePage, pages, parseNames } from './pages.ts'

/** The most tags in a page that distribution 3.1 and ECR accept. */
const pageSize = 1000

/**
 * Lists the tags of a repository page by page (distribution-spec, Listing Tags). Invalid tags are
 * skipped with one warning, or refused.
 * @throws `not-found`; `protocol` for an answer that is no list of tags; `refused`.
 */
export async function* tagPages(
  client: RepositoryClient,
  invalid: InvalidTags,
  call: Call,
): AsyncGenerator<readonly string[], void> {
  const subject = formatRepository(client.repository)
  if (invalid === 'refuse') client.shared.tagLists.noteStrict(client.repository)
  const entries = new InvalidEntries(`tag list of ${subject}`, 'tags', isTag)
  const evidence = new Set<string>()
  try {
    for await (const page of rawTagPages(client, call)) {
      const tags = entries.removeFrom(page)
      if (invalid === 'refuse' && entries.count > 0) throw invalidTags(client, subject, entries)
      for (const tag of tags) if (isEvidenceTag(tag)) evidence.add(tag)
      yield tags
    }
    client.shared.tagLists.noteEvidenceTags(client.repository, evidence)
    client.shared.tagLists.noteAbsent(client.repository, false)
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found')
      client.shared.tagLists.noteAbsent(client.repository, true)
    throw error
  } finally {
    if (invalid === 'skip') entries.report(client.shared, call)
  }
}

function invalidTags({ shared }: RepositoryClient, subject: string, entries: InvalidEntries): DrayError {
  return new DrayError('refused', `the tag list of ${subject} has entries that are not tags`, {
    subject,
    why: `an image that only such a tag names cannot be read: ${entries.quote(shared)}`,
    hint: 'Delete these tags with the tools of the registry. Then run the command again.',
  })
}

/** Lists what the registry names as tags, page by page. @throws as `tagPages`. */
export function rawTagPages(client: RepositoryClient, call: Call): AsyncGenerator<readonly unknown[], void> {
  const purpose = client.describe('list the tags', '', 'read')
  const options = {
    accept: 'application/json',
    purpose,
    parse: (page: ResponsePage) => {
      const names = parseNames(page, 'tags', purpose)
      client.shared.pushTimes.note(client.repository, page.bytes)
      return names
    },
    keyOf: (tag: unknown) => JSON.stringify(tag),
  }
  return pages(client, client.url('tags/list', `n=${pageSize}`), options, call)
}
