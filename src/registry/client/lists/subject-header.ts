import type { Call } from '../../../lib/call.ts'
import type { Digest } from '../../../oci/digest.ts'
import { formatRepository } from '../../../oci/reference.ts'
import type { RepositoryClient } from '../client.ts'
import { listReferrers } from './referrers.ts'

/**
 * Whether the API lists a referrer whose PUT was answered with `OCI-Subject`. ECR answered so in
 * 2024 without having the API (github.com/sigstore/sigstore-js/pull/1183), so the header counts
 * only in a repository whose API has listed something. Otherwise the first such answer in a
 * repository makes dray request the list once, and the result holds for the repository.
 * @throws what `listReferrers` throws
 */
export async function confirmSubjectHeader(
  client: RepositoryClient,
  subject: Digest,
  referrer: Digest,
  call: Call,
): Promise<boolean> {
  const { listingRepositories, subjectHeaders } = client.shared
  const repository = formatRepository(client.repository)
  if (listingRepositories.has(repository)) return true
  const known = subjectHeaders.get(repository)
  if (known !== undefined) return await known
  const confirmed = isListed(client, subject, referrer, call)
  subjectHeaders.set(repository, confirmed)
  try {
    return await confirmed
  } catch (error) {
    subjectHeaders.delete(repository)
    throw error
  }
}

/** Whether the API lists a referrer. False without the API. @throws what `listReferrers` throws */
export async function isListed(
  client: RepositoryClient,
  subject: Digest,
  referrer: Digest,
  call: Call,
): Promise<boolean> {
  const listed = await listReferrers(client, subject, call)
  return listed?.some(({ digest }) => digest === referrer) ?? false
}
