import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parseManifest } from '../../../oci/manifest.ts'
import { mediaTypes } from '../../../oci/media-types.ts'
import { formatAt } from '../../../oci/reference.ts'
import type { RepositoryClient } from '../client.ts'
import { pages } from './pages.ts'

/** More referrers than any subject has. */
const maxReferrers = 100_000

/**
 * Lists the referrers of a manifest, all pages (distribution-spec, Listing Referrers). Undefined if
 * the registry does not have the API (404), which is remembered. There is no filter, because the
 * caller wants all attached artifacts.
 */
export async function listReferrers(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): Promise<readonly Descriptor[] | undefined> {
  const { capabilities } = client.shared
  if (capabilities.get(client.repository, 'referrers') === 'no') return undefined
  const found = new Map<Digest, Descriptor>()
  try {
    for await (const entries of referrerPages(client, subject, call)) {
      for (const entry of entries) found.set(entry.digest, entry)
      if (found.size > maxReferrers) throw tooMany(client, subject)
    }
  } catch (error) {
    if (!isDrayError(error) || error.code !== 'not-found') throw error
    // A repository that does not exist yet says nothing of the API.
    if (error.registryCode !== 'NAME_UNKNOWN') capabilities.learn(client.repository, 'referrers', 'no')
    return undefined
  }
  capabilities.learn(client.repository, 'referrers', 'yes')
  return [...found.values()]
}

function referrerPages(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): AsyncIterable<readonly Descriptor[]> {
  const purpose = client.describe('list the referrers', `@${subject}`, 'read')
  return pages(
    client,
    client.url(`referrers/${subject}`),
    {
      accept: mediaTypes.index,
      purpose,
      parse: ({ response, bytes }) => {
        const mediaType = response.headers.get('content-type') ?? ''
        const list = parseManifest(bytes, mediaType, `the list of referrers of ${purpose.subject}`)
        if (list.kind === 'index') return list.manifests
        throw new DrayError('protocol', `cannot ${purpose.doing}: the answer is no index`, {
          subject: purpose.subject,
        })
      },
      keyOf: ({ digest }) => digest,
    },
    call,
  )
}

function tooMany(client: RepositoryClient, subject: Digest): DrayError {
  return new DrayError('unsupported', `there are more than ${maxReferrers} referrers`, {
    subject: formatAt(client.repository, { digest: subject }),
  })
}
