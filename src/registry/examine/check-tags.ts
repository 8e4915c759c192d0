import type { Call } from '../../lib/call.ts'
import { isDrayError } from '../../lib/errors.ts'
import { type Digest, digestOf } from '../../oci/digest.ts'
import { fallbackTag } from '../../oci/evidence-tags.ts'
import { manifestAccept } from '../../oci/media-types.ts'
import { isTag } from '../../oci/reference.ts'
import type { ManifestContent } from '../../images/ports.ts'
import type { Oddity } from '../../images/registry-facts.ts'
import type { RegistryResponse } from '../http/fetch.ts'
import type { RepositoryClient } from '../client/client.ts'
import { InvalidEntries } from '../client/lists/invalid-entries.ts'
import { rawTagPages } from '../client/lists/tags.ts'

/** No manifest of a registry has this digest. */
export const digestOfNothing: Digest = digestOf('nothing has this digest')

interface FirstTags {
  readonly tags: readonly string[]
  readonly oddity?: Oddity
}

/** Reads the first page of the tag list. @throws what the list throws, but for `not-found`. */
export async function checkFirstTags(client: RepositoryClient, call: Call): Promise<FirstTags | 'absent'> {
  const invalid = new InvalidEntries('tag list', 'tags', isTag)
  try {
    for await (const page of rawTagPages(client, call)) {
      const tags = invalid.removeFrom(page)
      if (invalid.count === 0) return { tags }
      const entries = invalid.count === 1 ? '1 entry' : `${invalid.count} entries`
      const saw = `${entries} on the first page of the tag list are not valid tags: ${invalid.quote(client.shared)}`
      return { tags, oddity: { kind: 'tagList', saw } }
    }
    return { tags: [] }
  } catch (error) {
    if (isDrayError(error) && error.code === 'not-found') return 'absent'
    throw error
  }
}

/** Requests a tag that does not exist, by HEAD. @throws what the request throws. */
export async function checkMissingTag(client: RepositoryClient, call: Call): Promise<Oddity | undefined> {
  const tag = fallbackTag(digestOfNothing)
  const status = await statusOfHead(client, tag, call)
  if (status !== 401 && status !== 403) return undefined
  return { kind: 'missingTag', saw: `it answered ${status} to HEAD of a tag that does not exist` }
}

async function statusOfHead(client: RepositoryClient, tag: string, call: Call): Promise<number> {
  try {
    return (await requestHead(client, tag, call)).status
  } catch (error) {
    // The authentication throws for 401.
    if (isDrayError(error) && error.code === 'unauthorized') return 401
    throw error
  }
}

/** Requests a tag by HEAD. The answer may have any status. */
export async function requestHead(
  client: RepositoryClient,
  tag: string,
  call: Call,
): Promise<RegistryResponse> {
  const purpose = client.describe('read the manifest', `:${tag}`, 'read')
  const url = client.url(`manifests/${tag}`)
  const headers = { accept: manifestAccept }
  return await client.sendAndDiscard({ method: 'HEAD', url, headers, expect: () => true, purpose }, call)
}

/** Compares the answers to HEAD and GET of a tag. */
export function compareHead(
  head: RegistryResponse,
  tag: string,
  { descriptor }: ManifestContent,
): Oddity | undefined {
  const digest = head.headers.get('docker-content-digest')
  const saw =
    head.status !== 200
      ? `answered ${head.status}`
      : digest === undefined
        ? 'has no Docker-Content-Digest'
        : digest !== descriptor.digest
          ? 'has another digest'
          : undefined
  if (saw === undefined) return undefined
  return { kind: 'head', saw: `HEAD of the tag ${tag} ${saw}, and GET returned ${descriptor.digest}` }
}
