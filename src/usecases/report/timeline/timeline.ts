import type { Actor } from '../../../audit/log/record.ts'
import type { LogProblem } from '../../../audit/log/record-problems.ts'
import type { LogReport } from '../../../audit/verify/verify-log.ts'
import type { ErrorInfo } from '../../../lib/errors.ts'
import type { Digest } from '../../../oci/digest.ts'
import type { Hash, RecordedOperation } from '../../../plan/plan.ts'

/** The changes of images over time, as the audit log has them. */
export interface Timeline {
  /** ISO 8601, UTC; inclusive */
  readonly since: string
  /** when the log was read */
  readonly until: string
  readonly log: TimelineLog
  /** environments in the order of `dray.yaml`, then other targets with events */
  readonly lanes: readonly string[]
  /** newest first */
  readonly events: readonly TimelineEvent[]
  /** operations without a lane, such as deletes: runs and records in the period */
  readonly others: readonly OtherOperation[]
}

/** The verification of the log that the events are from. */
export interface TimelineLog {
  readonly path: string
  /** no run has written a log yet */
  readonly isAbsent: boolean
  /** the records of the valid chain */
  readonly records: number
  /** of the last one; null if there is none, or the log is damaged */
  readonly hash: Hash | null
  readonly span?: LogReport['span']
  /** absent without a log */
  readonly head?: LogReport['head']
  /** where the chain ends early: the events are from the records before */
  readonly problem?: Pick<LogProblem, 'line' | 'why'>
  /** bytes of a torn record at the end */
  readonly torn: number
  /** the names of the logs that were merged into this one */
  readonly mergedFrom: readonly string[]
}

export const laneOperations = [
  'promote',
  'rollback',
  'tag',
  'copy',
  'sync',
  'bundle',
] as const satisfies readonly RecordedOperation[]
export type LaneOperation = (typeof laneOperations)[number]

export type TimelineResult =
  | 'done'
  | 'unchanged'
  | 'refused'
  | 'conflict'
  | 'failed'
  /** an intent without an outcome: the run is active, or it died */
  | 'open'

/** The change of one image in one environment by one run. */
export interface TimelineEvent {
  /** of the last record, ISO 8601, UTC */
  readonly time: string
  readonly operation: LaneOperation
  /** as in the plan; absent in records of old versions */
  readonly image?: string
  /** the environment that the image is from */
  readonly from?: string
  /** the environment, or the repository if there is none */
  readonly lane: string
  /** of several steps the gravest one */
  readonly result: TimelineResult
  readonly digest?: Digest
  readonly tags: readonly TimelineTag[]
  readonly actor: Actor
  readonly reason?: string
  readonly ticket?: string
  readonly error?: ErrorInfo
  /** names of the gates that a person overrode */
  readonly overriddenGates: readonly string[]
  readonly run: string
  readonly plan: Hash
  readonly policy: Hash
  /** the lines of the audit log */
  readonly records: { readonly first: number; readonly last: number; readonly count: number }
}

/** A tag that the change wrote or was to write. */
export interface TimelineTag {
  /** with the registry */
  readonly repository: string
  readonly tag: string
  readonly before: Digest | null
  readonly after: Digest | null
  readonly result: TimelineResult
}

export interface OtherOperation {
  readonly operation: RecordedOperation
  readonly runs: number
  readonly records: number
}
