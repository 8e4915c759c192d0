import type { Call } from '../../lib/call.ts'
import { DrayError } from '../../lib/errors.ts'
import type { Descriptor } from '../../oci/descriptor.ts'
import type { Digest } from '../../oci/digest.ts'
import { fallbackTag } from '../../oci/evidence-tags.ts'
import { parseManifest } from '../../oci/manifest.ts'
import { isIndexType } from '../../oci/media-types.ts'
import { formatAt } from '../../oci/reference.ts'
import type {
  Capabilities,
  ManifestContent,
  ManifestReader,
  NamedRepository,
  ReferrerLister,
} from '../ports.ts'

/**
 * Returns the referrers that a client finds: from the API, or from the index under the fallback tag
 * if the registry does not have the API.
 * @param mayHaveFallback false: the list of tags lacks that tag
 * @throws what the ports throw.
 */
export async function listReferrers(
  store: ManifestReader & ReferrerLister,
  subject: Digest,
  call: Call,
  mayHaveFallback = true,
): Promise<readonly Descriptor[]> {
  const listed = await store.referrers(subject, call)
  if (listed !== undefined || !mayHaveFallback) return listed ?? []
  const content = await store.findManifest({ tag: fallbackTag(subject) }, call)
  return content === undefined ? [] : entriesOf(store, subject, content)
}

/**
 * Returns the referrers from the API and from the index under the fallback tag. The caller has to
 * check that the manifest of an entry names the subject.
 * @throws `protocol` if the registry says that it does not have the API which has listed others;
 * what the ports throw.
 */
export async function listAllReferrers(
  store: ManifestReader & ReferrerLister & Pick<Capabilities, 'capability'>,
  subject: Digest,
  call: Call,
): Promise<readonly Descriptor[]> {
  const [listed, content] = await Promise.all([
    store.referrers(subject, call),
    store.findManifest({ tag: fallbackTag(subject) }, call),
  ])
  if (listed === undefined && store.capability('referrers') === 'yes') throw unlistedError(store, subject)
  const underTag = content === undefined ? [] : entriesOf(store, subject, content)
  const byDigest = new Map([...underTag, ...(listed ?? [])].map((entry) => [entry.digest, entry]))
  return [...byDigest.values()]
}

/**
 * The error for a manifest whose referrers the registry does not list, although it lists those of
 * others. The answer for one manifest does not show that there is no API.
 */
export function unlistedError(store: NamedRepository, subject: Digest): DrayError {
  const where = formatAt(store.repository, { digest: subject })
  return new DrayError('protocol', `the registry does not list the referrers of ${where}`, {
    subject: where,
    why: 'it answers as if it had no referrers API, but it listed the referrers of another manifest',
    hint: 'Run the command again later.',
  })
}

/** The entries of the index under a fallback tag. GitLab answers that tag with the image itself. */
export function entriesOf(
  store: NamedRepository,
  subject: Digest,
  content: ManifestContent,
): readonly Descriptor[] {
  if (!isIndexType(content.descriptor.mediaType) || content.descriptor.digest === subject) return []
  const where = formatAt(store.repository, { tag: fallbackTag(subject) })
  const index = parseManifest(content.bytes, content.descriptor.mediaType, where)
  return index.kind === 'index' ? index.manifests : []
}
