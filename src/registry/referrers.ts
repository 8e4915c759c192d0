import type { Call } from '../call.ts'
import { DrayError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'
import { parseManifest } from '../oci/manifest.ts'
import { mediaTypes } from '../oci/media-types.ts'
import type { RepositoryClient } from './client.ts'
import { pages } from './pages.ts'

/** More referrers than any subject has. */
const maxReferrers = 100_000

/**
 * The referrers API (distribution-spec, Listing Referrers), all pages; undefined where the registry does not have it (404), which is remembered. A filter is not asked
 * for: the caller wants all evidence.
 */
export async function listReferrers(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): Promise<readonly Descriptor[] | undefined> {
  const { capabilities } = client.run
  if (capabilities.get(client.repository, 'referrers') === 'no') return undefined
  const attempt = client.attempt('list the referrers', `@${subject}`, 'read')
  const first = client.url(`referrers/${subject}`)
  const found = new Map<Digest, Descriptor>()
  for await (const page of pages(client, first, { accept: mediaTypes.index, attempt }, call)) {
    if (page === undefined) {
      capabilities.learn(client.repository, 'referrers', 'no')
      return undefined
    }
    const said = page.response.headers.get('content-type') ?? ''
    const list = parseManifest(page.bytes, said, `the list of referrers of ${attempt.subject}`)
    if (list.kind !== 'index') {
      throw new DrayError('protocol', `cannot ${attempt.doing}: the answer is no index`, {
        subject: attempt.subject,
      })
    }
    for (const entry of list.manifests) found.set(entry.digest, entry)
    if (found.size > maxReferrers) {
      throw new DrayError('unsupported', `there are more than ${maxReferrers} referrers`, {
        subject: attempt.subject,
      })
    }
  }
  capabilities.learn(client.repository, 'referrers', 'yes')
  return [...found.values()]
}
