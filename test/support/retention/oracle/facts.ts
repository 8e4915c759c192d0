import type { PolicyData } from '../policy-data.ts'
import type { ReadingData } from './versions.ts'

/** A tag that dray put on a digest, as its audit log has it. */
export interface RecordedMove {
  readonly tag: string
  /** the digest that the tag was on */
  readonly before?: string
  readonly after: string
  /** milliseconds since 1970 */
  readonly at: number
  /** `host/path` */
  readonly repository: string
}

/** Everything that the verdicts depend on beside the repository itself. */
export interface PruneInput {
  readonly policy: PolicyData
  readonly reading: ReadingData
  /** milliseconds since 1970 */
  readonly now: number
  /** digests or tags that are in use */
  readonly inUse: readonly string[]
  readonly moves: readonly RecordedMove[]
  /** when a run first saw that an index is broken or an attached artifact is orphaned */
  readonly firstSeen: ReadonlyMap<string, number>
}
