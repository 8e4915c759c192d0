import type { Call } from '../../../lib/call.ts'
import { isDrayError } from '../../../lib/errors.ts'
import { isEvidenceTag } from '../../../oci/evidence-tags.ts'
import { isNoList } from '../../../images/tags/tag-list.ts'
import type { RepositoryClient } from '../client.ts'
import type { ManifestName } from '../manifests/manifests.ts'
import type { WholeTagList } from './run-tag-lists.ts'
import { tagPages } from './tags.ts'

/**
 * Reads a manifest. If the registry refuses to show a tag (403, or 401 in a repository of which
 * other manifests can be read), the complete tag list decides: a tag that it lacks does not exist.
 * Artifactory answers 403 for each tag that does not exist (sigstore/cosign issue 2973).
 * @returns undefined if the manifest does not exist
 * @throws what `read` throws if the tag is listed or if there is no list.
 */
export async function readIfListed<T>(
  client: RepositoryClient,
  at: ManifestName,
  read: () => Promise<T | undefined>,
  call: Call,
): Promise<T | undefined> {
  try {
    const found = await read()
    if (found !== undefined) client.shared.tagLists.noteReadable(client.repository)
    return found
  } catch (error) {
    if (call.signal.aborted || !('tag' in at) || !isRefusedRead(client, error)) throw error
    if (await isAbsent(client, at.tag, call)) return undefined
    throw error
  }
}

/** Without any read that succeeds, 401 says that credentials are missing or wrong. */
function isRefusedRead({ repository, shared: { tagLists } }: RepositoryClient, error: unknown): boolean {
  if (!isDrayError(error) || tagLists.isStrict(repository)) return false
  return error.code === 'forbidden' || (error.code === 'unauthorized' && tagLists.isReadable(repository))
}

/**
 * One list of the run decides about all evidence tags. A list decides only while it is fresh about
 * other tags, because they may be written next.
 */
async function isAbsent(client: RepositoryClient, tag: string, call: Call): Promise<boolean> {
  const { repository, shared } = client
  const known = isEvidenceTag(tag) ? shared.tagLists.evidenceTags(repository) : undefined
  if (known !== undefined) return !known.has(tag)
  const read = (): Promise<WholeTagList> => readWholeList(client, call)
  const tags = await shared.tagLists.list(repository, isEvidenceTag(tag), read, call)
  return tags !== undefined && !tags.has(tag)
}

async function readWholeList(client: RepositoryClient, call: Call): Promise<WholeTagList> {
  const tags = new Set<string>()
  try {
    for await (const page of tagPages(client, 'skip', call)) for (const tag of page) tags.add(tag)
  } catch (error) {
    if (!isNoList(error)) throw error
    return undefined
  }
  return tags
}
