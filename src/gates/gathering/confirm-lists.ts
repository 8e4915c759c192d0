import type { Evidence } from '../../images/evidence/evidence.ts'
import { unlistedError } from '../../images/evidence/referrers.ts'
import type { SourceRepository } from '../../images/ports.ts'
import type { Call } from '../../lib/call.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RunReads } from './run-reads.ts'

/**
 * Confirms that a registry has no referrers API, once in a run, if there are attached artifacts
 * under tags. A single wrong answer would hide a rejection or a newer report in the API from gates
 * that pass by the artifacts under tags. The question is about another manifest than the image.
 * @throws `protocol` if the registry has the API; what the store throws.
 */
export async function confirmLists(
  store: SourceRepository,
  image: Digest,
  [first]: readonly Evidence[],
  reads: RunReads,
  call: Call,
): Promise<void> {
  if (first === undefined || store.capability('referrers') !== 'no') return
  if (!reads.isUnconfirmed(store.repository)) return
  if (await store.hasReferrersApi(first.manifest.digest, call)) throw unlistedError(store, image)
  reads.confirm(store.repository)
}
