import type { Digest } from '../oci/digest.ts'

/** A parsed VEX document of any format. */
export interface VexDocument {
  readonly format: 'openvex' | 'cyclonedx'
  readonly statements: readonly VexStatement[]
}

/** The author's statement about one vulnerability in some products. */
export interface VexStatement {
  readonly vulnerability: string
  readonly aliases: readonly string[]
  readonly status: 'not_affected' | 'affected' | 'fixed' | 'under_investigation'
  /** of `not_affected` */
  readonly justification?: string
  /** never empty */
  readonly products: readonly VexProduct[]
  /** milliseconds since 1970 */
  readonly time?: number
}

/** Without ids and digests, it is the subject of the attestation that has the document. */
export interface VexProduct {
  /** the package URLs and ids that name it */
  readonly ids: readonly string[]
  readonly digests: readonly Digest[]
  /** package URLs and other ids; empty: the statement is about the product as a whole */
  readonly subcomponents: readonly string[]
}
