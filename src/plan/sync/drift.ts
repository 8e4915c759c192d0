import type { ErrorInfo } from '../../lib/errors.ts'
import type { Digest } from '../../oci/digest.ts'
import type { RepositoryName } from '../../oci/reference.ts'

/** The differences between one source repository and one destination of a rule. */
export interface RepositoryDrift {
  readonly rule: string
  readonly from: RepositoryName
  readonly to: RepositoryName
  /** of the destination */
  readonly environment?: string
  /** tags that the rule selects */
  readonly selected: number
  /** tags that differ, and those of the destination that the rule does not select */
  readonly tags: readonly TagDrift[]
  /** one side could not be read: `tags` is empty */
  readonly error?: ErrorInfo
}

export interface TagDrift {
  readonly tag: string
  readonly state: DriftState
  /** null: there is no such tag, or the rule does not select it */
  readonly source: Digest | null
  /** null: there is no such tag, or the digest of an extra tag was not read */
  readonly destination: Digest | null
  /** of a tag that another client changed: the digest that dray wrote */
  readonly written?: Digest
  /** one line: why a tag is kept, or since when the source lacks it */
  readonly reason?: string
}

export type DriftState =
  /** the destination lacks the tag */
  | 'missing'
  /** the source moved the tag, and the rule follows it */
  | 'moved'
  /** the tag is not on the digest that dray wrote: another client changed it */
  | 'changed'
  /** the source moved the tag, and the rule or a tag policy keeps it */
  | 'kept'
  /** the destination has a tag that the rule does not select */
  | 'extra'
  /** the image is in sync, and the destination lacks attached artifacts */
  | 'evidenceMissing'
  /** `--verify`: content of the image is missing or damaged */
  | 'damaged'
