import { string } from '@oclif/core/flags'
import { flagGroups } from '../help/flag-groups.ts'

/** Not of `apply`: the overrides of a plan are in the plan. */
export const overrideGateFlag = {
  'override-gate': string({
    summary: 'Write although this gate fails; requires --reason.',
    helpValue: 'GATE',
    helpGroup: flagGroups.safety,
    multiple: true,
    multipleNonGreedy: true,
  }),
}

export const scanReportFlag = {
  'scan-report': string({
    summary: 'Scan report that is not in the registry.',
    helpValue: '[DIGEST=]FILE',
    helpGroup: flagGroups.evidence,
    multiple: true,
    multipleNonGreedy: true,
  }),
}

/** The flags of a command that gates depend on. */
export interface GateFlags {
  readonly reason?: string | undefined
  readonly ticket?: string | undefined
  readonly actor?: string | undefined
  readonly 'override-gate'?: readonly string[] | undefined
  readonly 'scan-report'?: readonly string[] | undefined
}
