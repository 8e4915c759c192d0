import type { UsageGrouping } from './usage-report.ts'

/** The options of `dray usage`, checked. */
export interface UsageRequest {
  readonly by: UsageGrouping
  /** how many images or layers are listed; undefined: all */
  readonly limit: number | undefined
  /** of `--since` */
  readonly sinceDays: number
  /** of `--not-pulled`, milliseconds */
  readonly notPulledFor: number | undefined
}
