import type { Digest } from '../../oci/digest.ts'

/** Content by its digest, kept from run to run and verified. No method throws. */
export interface ContentStore {
  /** Returns undefined if the content is absent or damaged. */
  get(digest: Digest): Promise<Uint8Array | undefined>
  /** Keeps the content, unless it is too large or there is no room. */
  put(digest: Digest, bytes: Uint8Array): Promise<void>
  /** Writes the content of `put`. A process that ends without it loses the newest content. */
  flush(): Promise<void>
}
