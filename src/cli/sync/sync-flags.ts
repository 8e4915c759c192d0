import { boolean, string } from '@oclif/core/flags'
import { evidenceConflictFlags, evidenceFlag, outFlag, verifyFlag } from '../command/change-flags.ts'
import { overrideGateFlag, scanReportFlag } from '../gates/gate-flags.ts'
import { flagGroups } from '../help/flag-groups.ts'
import { jobFlags } from '../jobs/job-flags.ts'
import { pruneFlags } from '../prune/prune-flags.ts'

const { strict: _strict, ...changeFlags } = pruneFlags

/** Flags of `dray sync`. */
export const syncFlags = {
  to: string({
    summary: 'Only the rules that write to this environment.',
    helpValue: 'ENV',
    helpGroup: flagGroups.target,
  }),
  shard: string({
    summary: 'Process part I of N of the destination repositories.',
    helpValue: 'I/N',
    helpGroup: flagGroups.target,
  }),
  import: string({
    summary: 'Convert a file of regsync or skopeo sync to rules.',
    helpValue: 'FILE',
    helpGroup: flagGroups.target,
  }),
  delete: boolean({
    summary: 'Delete extra tags of rules with `delete`.',
    helpGroup: flagGroups.safety,
  }),
  'overwrite-changed': boolean({
    summary: 'Overwrite tags that another client changed.',
    helpGroup: flagGroups.safety,
  }),
  full: boolean({
    summary: 'Search attached artifacts of all platforms again.',
    helpGroup: flagGroups.evidence,
  }),
  ...verifyFlag,
  ...changeFlags,
  ...outFlag,
  ...evidenceFlag,
  ...evidenceConflictFlags,
  ...overrideGateFlag,
  ...scanReportFlag,
  attest: boolean({
    summary: 'Attest each image (default: attest in dray.yaml).',
    allowNo: true,
    helpGroup: flagGroups.evidence,
  }),
  ...jobFlags,
  all: boolean({ summary: 'List every repository, image and tag.', helpGroup: flagGroups.output }),
}
