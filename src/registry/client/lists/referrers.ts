import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { Digest } from '../../../oci/digest.ts'
import { parseManifest } from '../../../oci/manifest.ts'
import { mediaTypes } from '../../../oci/media-types.ts'
import { formatAt, formatRepository } from '../../../oci/reference.ts'
import type { RepositoryClient } from '../client.ts'
import type { Purpose } from '../errors.ts'
import { type FirstPage, pages, type ResponsePage } from './pages.ts'
import { hasManifests, requestReferrers } from './referrers-api.ts'

/** More referrers than any subject has. */
const maxReferrers = 100_000

/**
 * Lists the referrers of a manifest, all pages (distribution-spec, Listing Referrers). Undefined if
 * the registry does not have the API, which is remembered. There is no filter, because the caller
 * wants all attached artifacts.
 */
export async function listReferrers(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): Promise<readonly Descriptor[] | undefined> {
  const { capabilities } = client.shared
  if (capabilities.get(client.repository, 'referrers') === 'no') return undefined
  const answer = await requestReferrers(client, subject, call)
  if (answer === 'no API') capabilities.learn(client.repository, 'referrers', 'no')
  if (typeof answer === 'string') return undefined
  const found = new Map<Digest, Descriptor>()
  for await (const entries of referrerPages(client, subject, answer, call)) {
    for (const entry of entries) found.set(entry.digest, entry)
    if (found.size > maxReferrers) throw tooMany(client, subject)
  }
  capabilities.learn(client.repository, 'referrers', 'yes')
  if (found.size > 0) client.shared.listingRepositories.add(formatRepository(client.repository))
  return [...found.values()]
}

/**
 * Asks for the referrers of a manifest, also if the registry seems to have no such API. A wrong
 * answer of one moment, or about one manifest, looks the same as no API.
 */
export async function hasReferrersApi(
  client: RepositoryClient,
  subject: Digest,
  call: Call,
): Promise<boolean> {
  return typeof (await requestReferrers(client, subject, call)) !== 'string'
}

function referrerPages(
  client: RepositoryClient,
  subject: Digest,
  first: FirstPage,
  call: Call,
): AsyncIterable<readonly Descriptor[]> {
  const purpose = client.describe('list the referrers', `@${subject}`, 'read')
  const options = {
    accept: mediaTypes.index,
    purpose,
    parse: (page: ResponsePage) => parsePage(page, purpose),
    keyOf: ({ digest }: Descriptor) => digest,
  }
  return pages(client, first, options, call)
}

/** An index without `manifests` is no empty list: a damaged page must not hide its entries. */
function parsePage(page: ResponsePage, purpose: Purpose): readonly Descriptor[] {
  const mediaType = page.response.headers.get('content-type') ?? ''
  const list = parseManifest(page.bytes, mediaType, `the list of referrers of ${purpose.subject}`)
  if (list.kind === 'index' && hasManifests(page)) return list.manifests
  throw new DrayError('protocol', `cannot ${purpose.doing}: the answer is not an index`, {
    subject: purpose.subject,
  })
}

function tooMany(client: RepositoryClient, subject: Digest): DrayError {
  return new DrayError('unsupported', `there are more than ${maxReferrers} referrers`, {
    subject: formatAt(client.repository, { digest: subject }),
  })
}
