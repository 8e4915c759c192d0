import { boolean, string } from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'
import {
  allowBackwardFlag,
  changeFlags,
  metricsFlag,
  evidenceConflictFlags,
  moveTagFlag,
} from '../../command/change-flags.ts'
import { overrideGateFlag, scanReportFlag } from '../../gates/gate-flags.ts'
import { bundleKeyFlag } from '../bundle-key-flag.ts'
import { flagGroups } from '../../help/flag-groups.ts'

/** Flags of `dray bundle apply`. */
export const applyFlags = {
  to: string({
    summary: 'Destination: HOST/PATH, @ENV or oci:DIR.',
    helpValue: 'PLACE',
    required: true,
    helpGroup: flagGroups.target,
  }),
  ...changeFlags,
  ...metricsFlag,
  ...bundleKeyFlag,
  base: string({
    summary: 'Last receipt of the destination (default: dray has it).',
    helpValue: 'RECEIPT',
    helpGroup: flagGroups.safety,
  }),
  delete: boolean({
    summary: 'Delete tags that the rules no longer select.',
    helpGroup: flagGroups.safety,
  }),
  'overwrite-changed': boolean({
    summary: 'Overwrite tags that another client changed.',
    helpGroup: flagGroups.safety,
  }),
  'allow-older': boolean({
    summary: 'Apply a full bundle after increments.',
    helpGroup: flagGroups.safety,
  }),
  ...moveTagFlag,
  ...allowBackwardFlag,
  receipt: string({
    summary: 'Receipt to write (default: FILE.receipt.json).',
    helpValue: 'FILE',
    helpGroup: flagGroups.output,
  }),
  need: string({
    summary: 'List of missing content to write (default: need.json).',
    helpValue: 'FILE',
    helpGroup: flagGroups.output,
  }),
  ...evidenceConflictFlags,
  ...overrideGateFlag,
  ...scanReportFlag,
  attest: boolean({
    summary: 'Attest each image (default: attest in dray.yaml).',
    allowNo: true,
    helpGroup: flagGroups.evidence,
  }),
}

export type ApplyBundleFlags = Omit<InferredFlags<typeof applyFlags>, 'attest' | 'json' | 'output'> & {
  readonly attest: boolean | undefined
}
