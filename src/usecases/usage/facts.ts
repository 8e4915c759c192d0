import type { ErrorInfo } from '../../lib/errors.ts'
import type { BlobStorage } from './contents/repository-contents.ts'
import type { UsageRecord } from './growth/usage-record.ts'
import type { UnreachableUsage } from './usage-report.ts'

/** Everything that was read for a report. */
export interface UsageFacts {
  /** when the reading began, milliseconds since 1970 */
  readonly now: number
  readonly storages: readonly BlobStorage[]
  readonly unreachable: readonly UnreachableUsage[]
  /** registries with an inventory, whether it could be read or not */
  readonly vendors?: ReadonlySet<string>
  /** of earlier runs */
  readonly records: readonly UsageRecord[]
  /** of `--policy` */
  readonly policy?: PolicyFacts
  /** of the reading, whole sentences */
  readonly notes: readonly string[]
}

/** The result of prune's planner as far as it is not in the contents of repositories. */
export interface PolicyFacts {
  readonly name?: string
  /** why a prune deletes nothing in a repository, by its name */
  readonly refused: ReadonlyMap<string, ErrorInfo>
  /** why it deletes nothing at all */
  readonly refusedRun?: ErrorInfo
}
