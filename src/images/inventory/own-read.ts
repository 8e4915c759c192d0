import type { Digest } from '../../oci/digest.ts'

/**
 * A GET of dray for a manifest, which the vendor can count as a pull. Times are milliseconds since
 * 1970.
 */
export interface OwnRead {
  /** the time in which dray read the repository, by the clock of the registry */
  readonly from: number
  readonly to: number
  /** the last pull from before; undefined: unknown */
  readonly before?: number | 'never'
}

/** The last GET of dray for each manifest of a repository. */
export type OwnReads = ReadonlyMap<Digest, OwnRead>
