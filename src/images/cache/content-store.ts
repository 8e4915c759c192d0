import type { Digest } from '../../oci/digest.ts'

/** Content by its digest, kept from run to run: what it gives is what the digest says, or nothing. Neither method ever fails. */
export interface ContentStore {
  /** undefined where it is not there, or not whole any more */
  get(digest: Digest): Promise<Uint8Array | undefined>
  /** May not keep it: what is too large, or where there is no room. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>
}
