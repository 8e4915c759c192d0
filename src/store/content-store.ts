import type { Digest } from '../oci/digest.ts'

/** Content that was read before, by digest: it cannot be out of date, and says nothing of where it is now. */
export interface ContentStore {
  /** The bytes of that digest, verified; undefined where they are not kept. */
  get(digest: Digest): Promise<Uint8Array | undefined>
  /** @param bytes verified by the caller */
  put(digest: Digest, bytes: Uint8Array): Promise<void>
}
