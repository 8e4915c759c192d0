import type { LocalTime } from '../../lib/zones/local-time.ts'
import type { AuditRecord, LogEntry } from '../log/record.ts'
import type { AnomalyFinding } from './finding.ts'

/** A record and everything that the rules ask about it. */
export interface Observation {
  readonly entry: LogEntry & AuditRecord
  /** milliseconds since 1970 */
  readonly time: number
  readonly local: LocalTime
  /** as in `actorName` */
  readonly actor: string
  /** in the period that is checked, not in the baseline */
  readonly isScored: boolean
  /** it is scored and matches the filters */
  readonly isShown: boolean
  /** the first record of its run */
  readonly isNewRun: boolean
  /** the first record, other than a refusal, of an image in an environment by one run */
  readonly isNewChange: boolean
}

/** The baseline as a whole. */
export interface BaselineFacts {
  readonly runs: number
  /** the start of the period that is checked, and its local day */
  readonly since: number
  readonly sinceDay: number
  /** why nothing can be compared with the baseline; undefined if it is long enough */
  readonly tooShort: string | undefined
}

export interface AnomalyRuleResult {
  readonly findings: readonly AnomalyFinding[]
  /** why the rule compared nothing */
  readonly notEnoughData?: string
  /** parts that the rule omitted */
  readonly omissions?: readonly string[]
}

/** A rule over a stream of records. It keeps no records. */
export interface RuleDetector {
  add(observation: Observation): void
  result(baseline: BaselineFacts): AnomalyRuleResult
}
