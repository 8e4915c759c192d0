import type { AnomalyReport } from '../../audit/anomalies/finding.ts'
import type { ErrorInfo } from '../../lib/errors.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Hash } from '../../plan/plan.ts'
import type { PrunePlan } from '../../plan/prune/prune-plan.ts'
import type { UsageReport } from '../usage/usage-report.ts'
import type { StatusView } from '../views/status/status.ts'
import type { Timeline } from './timeline/timeline.ts'

export const reportSectionNames = ['status', 'timeline', 'anomalies', 'retention', 'usage'] as const
export type ReportSectionName = (typeof reportSectionNames)[number]

/** All values of `dray report`. The page and the JSON document have the same ones. */
export interface Report {
  /** when the reading began, ISO 8601, UTC */
  readonly time: string
  /** the version of dray */
  readonly tool: string
  /** the command line without secrets, for a POSIX shell */
  readonly command: string
  /** absent without a file */
  readonly configuration?: { readonly file: string; readonly hash: Hash }
  readonly auditLog: ReportedLog
  /** the requested ones */
  readonly sections: {
    readonly status?: ReportSection<StatusView>
    readonly timeline?: ReportSection<Timeline>
    readonly anomalies?: ReportSection<AnomalyReport>
    readonly retention?: ReportSection<RetentionReport>
    readonly usage?: ReportSection<UsageReport>
  }
}

/** The end of the audit log when the report was made. */
export interface ReportedLog {
  readonly path: string
  /** by the head file; absent if there is no head, or it is damaged */
  readonly head?: { readonly seq: number; readonly hash: Hash | null }
}

/** A section with its values, or the reason why it has none. */
export type ReportSection<T> =
  | { readonly state: 'read'; readonly value: T }
  | { readonly state: 'failed'; readonly error: ErrorInfo }
  /** nothing failed: `dray.yaml` does not configure the section */
  | { readonly state: 'notConfigured'; readonly why: string; readonly fix: string }

/** The plans of the retention policies, which are only shown. */
export interface RetentionReport {
  readonly policies: readonly PolicyPlan[]
}

/** The plan of a prune with one policy. */
export interface PolicyPlan {
  readonly plan: PrunePlan
  /** of the repositories that were read */
  readonly sizes: readonly RepositorySize[]
  readonly warnings: readonly string[]
}

/** The bytes that a plan knows of one repository. */
export interface RepositorySize {
  readonly repository: RepositoryName
  /** of all distinct blobs that the plan read */
  readonly stored: number
  /** of those that the policy frees, whether a limit refuses the repository or not */
  readonly freed: number
}
