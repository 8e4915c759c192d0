import type { ErrorInfo } from '../../lib/errors.ts'
import type { RecordedOperation } from '../../plan/plan.ts'

/** The rules in the order in which their findings are shown. */
export const anomalyRules = [
  'newActor',
  'newActorInEnvironment',
  'newHost',
  'newWorkflow',
  'unusualHour',
  'volume',
  'downgrade',
  'rollback',
  'allowBackward',
  'moveTag',
  'overriddenGate',
  'refusals',
  'prune',
] as const
export type AnomalyRule = (typeof anomalyRules)[number]

/** The records of a finding. */
export interface FindingRecords {
  readonly count: number
  /** the first ones, by their lines in the log */
  readonly lines: readonly FindingLine[]
}

interface FindingLine {
  readonly seq: number
  /** in a merged log: the line of the log that the record is from */
  readonly origin?: { readonly log: string; readonly seq: number }
}

interface FindingBase {
  /** of the first and the last record, ISO 8601, UTC */
  readonly from: string
  readonly to: string
  /** the user, and the CI service if it named the user: `ann (github)` */
  readonly actor?: string
  readonly records: FindingRecords
  /** shows the records; for a POSIX shell */
  readonly command: string
}

/** A name that the baseline does not have. */
export interface NewNameFinding extends FindingBase {
  readonly rule: 'newActor' | 'newActorInEnvironment' | 'newHost' | 'newWorkflow'
  /** the actor, host or workflow */
  readonly name: string
  readonly environment?: string
  readonly runs: number
  /** of all actors in the baseline */
  readonly baselineRuns: number
}

export interface HourFinding extends FindingBase {
  readonly rule: 'unusualHour'
  readonly actor: string
  /** the local date, `2026-11-20` */
  readonly date: string
  /** 0 to 23, in the time zone of the report */
  readonly hour: number
  readonly runs: number
  /** the actor's runs in the baseline, and those of them within an hour of `hour` */
  readonly baselineRuns: number
  readonly nearby: number
}

/** More than usual; `limit` is the median and five deviations. */
interface UsualNumber {
  readonly observed: number
  readonly median: number
  readonly limit: number
}

export interface VolumeFinding extends FindingBase, UsualNumber {
  readonly rule: 'volume'
  /** the local date, `2026-11-20` */
  readonly date: string
  readonly kindOfDay: 'weekday' | 'weekend'
  /** the days of this kind that were compared */
  readonly days: number
  /** of one actor, or of one operation to an environment */
  readonly operation?: RecordedOperation
  readonly environment?: string
}

export interface PruneFinding extends FindingBase, UsualNumber {
  readonly rule: 'prune'
  readonly repository: string
  /** earlier runs that deleted something there */
  readonly runs: number
}

/** A change that is always listed. */
export interface ChangeFinding extends FindingBase {
  readonly rule: 'downgrade' | 'rollback' | 'allowBackward' | 'moveTag' | 'overriddenGate'
  readonly actor: string
  readonly operation: RecordedOperation
  readonly image?: string
  readonly environment?: string
  /** `REPOSITORY:TAG` */
  readonly tags: readonly string[]
  /** names of overridden gates */
  readonly gates: readonly string[]
  /** of a downgrade: the versions before and after */
  readonly versions?: { readonly from: string; readonly to: string }
  /** the gravest result of its records; `open`: an intent has no outcome */
  readonly result: 'done' | 'failed' | 'refused' | 'open'
}

export interface RefusalsFinding extends FindingBase {
  readonly rule: 'refusals'
  readonly actor: string
  /** runs in a row that were refused */
  readonly runs: number
  readonly error?: Pick<ErrorInfo, 'code' | 'message'>
}

export type AnomalyFinding =
  | NewNameFinding
  | HourFinding
  | VolumeFinding
  | PruneFinding
  | ChangeFinding
  | RefusalsFinding

/** The state of a rule: `notEnoughData` if it compared nothing, `partly` if it omitted a part. */
export interface RuleState {
  readonly rule: AnomalyRule
  readonly state: 'checked' | 'partly' | 'notEnoughData'
  /** each a whole sentence without its full stop */
  readonly reasons: readonly string[]
  readonly findings: number
  /** findings beyond the limit, which are only counted */
  readonly omitted: number
}

/** The result of `dray audit anomalies`. */
export interface AnomalyReport {
  readonly log: string
  /** IANA name */
  readonly timezone: string
  /** ISO 8601, UTC; `until` is exclusive */
  readonly since: string
  readonly until: string
  /** the records that were checked, and those of them that match the filters */
  readonly records: number
  readonly matching: number
  readonly baseline: {
    /** ISO 8601, UTC */
    readonly since: string
    readonly records: number
    readonly runs: number
    /** the time of its first record; absent without one */
    readonly first?: string
  }
  /** incomplete or late lines that dray moved aside, in the period */
  readonly recovered: number
  /** records of the future, which are not checked */
  readonly later: number
  readonly findings: readonly AnomalyFinding[]
  readonly rules: readonly RuleState[]
}
