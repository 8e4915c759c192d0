import type { Digest } from '../oci/digest.ts'
import type { ReportedPackage } from './vulnerability.ts'

/** A parsed SBOM of any format. */
export interface SbomDocument {
  readonly format: 'spdx' | 'cyclonedx'
  /** as the document has it: `2.3`, `1.6` */
  readonly specVersion: string
  /**
   * the digests of manifests, indexes and image configs that the document says it describes; empty
   * if it names none
   */
  readonly describes: readonly Digest[]
  /** the packages, without the image itself */
  readonly components: readonly SbomComponent[]
}

export interface SbomComponent extends ReportedPackage {
  /** SPDX ids or expressions, or names of licenses */
  readonly licenses: readonly string[]
}
