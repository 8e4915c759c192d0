import { boolean } from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'
import {
  allowBackwardFlag,
  evidenceConflictFlags,
  moveTagFlag,
  partialFlag,
} from '../../command/change-flags.ts'
import { flagGroups } from '../../help/flag-groups.ts'

/**
 * Flags of `dray apply` that set a rule aside. They mean what they mean when a plan is made. A
 * saved plan does not contain them: a person who can write the file could add them.
 */
export const reviewFlags = {
  ...moveTagFlag,
  ...allowBackwardFlag,
  'allow-copy': boolean({
    summary: 'Allow a copy that does not follow the rules.',
    helpGroup: flagGroups.safety,
  }),
  ...partialFlag,
  evidence: boolean({
    summary: 'Require all attached artifacts (default: on).',
    allowNo: true,
    default: true,
    helpGroup: flagGroups.evidence,
  }),
  ...evidenceConflictFlags,
  attest: boolean({
    summary: 'Require attestations (default: attest in dray.yaml).',
    allowNo: true,
    helpGroup: flagGroups.evidence,
  }),
}

export type ReviewFlags = Omit<InferredFlags<typeof reviewFlags>, 'attest' | 'json'> & {
  readonly attest: boolean | undefined
  readonly 'scan-report'?: readonly string[] | undefined
}
