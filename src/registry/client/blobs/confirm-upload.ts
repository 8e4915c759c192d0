import type { Call } from '../../../lib/call.ts'
import { DrayError } from '../../../lib/errors.ts'
import type { Descriptor } from '../../../oci/descriptor.ts'
import type { RegistryResponse } from '../../http/fetch.ts'
import type { RepositoryClient } from '../client.ts'
import { isCorrupt, type Purpose } from '../errors.ts'
import { hasBlob } from './blobs.ts'

/** 202 does not say that the blob is stored, and 200 can be the answer of a redirect to storage. */
const vagueStatuses: ReadonlySet<number> = new Set([200, 202])

/**
 * Checks that the blob exists if the answer to the end of its upload does not say that it is
 * stored.
 * @throws `protocol` if the registry does not have it, `corrupt` if it has another size.
 */
export async function confirmUpload(
  client: RepositoryClient,
  d: Descriptor,
  { status }: RegistryResponse,
  purpose: Purpose,
  call: Call,
): Promise<void> {
  if (!vagueStatuses.has(status)) return
  const found = await client.shared.retry.readBack(call, async () => {
    try {
      return (await hasBlob(client, d, call, 'write')) ? true : undefined
    } catch (error) {
      if (isCorrupt(error)) throw error
      // A refused HEAD is no answer. If the blob is missing, the registry refuses its manifest.
      return true
    }
  })
  call.signal.throwIfAborted()
  if (found !== undefined) return
  throw new DrayError('protocol', `cannot ${purpose.doing}: the registry did not store it`, {
    subject: purpose.subject,
    why: `it answered ${status} to the last request of the upload, and 404 to HEAD of the blob`,
  })
}
