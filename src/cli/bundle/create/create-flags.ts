import { boolean, string } from '@oclif/core/flags'
import { evidenceConflictFlags } from '../../command/change-flags.ts'
import { flagGroups } from '../../help/flag-groups.ts'

export const createFlags = {
  since: string({
    summary: 'Receipt or bundle whose content is omitted.',
    helpValue: 'FILE',
    helpGroup: flagGroups.target,
  }),
  need: string({
    summary: 'List of content that is missing although it was sent.',
    helpValue: 'FILE',
    helpGroup: flagGroups.target,
    dependsOn: ['since'],
  }),
  key: string({
    char: 'k',
    summary: 'Public key that must have signed --since (PEM).',
    helpValue: 'FILE',
    helpGroup: flagGroups.safety,
    multiple: true,
    multipleNonGreedy: true,
    dependsOn: ['since'],
  }),
  platform: string({
    summary: 'Platform of an index to pack (default: all).',
    helpValue: 'PLATFORM',
    helpGroup: flagGroups.target,
    multiple: true,
    multipleNonGreedy: true,
  }),
  sign: boolean({
    summary: 'Sign the bundle with audit.sign.key.',
    helpGroup: flagGroups.safety,
  }),
  'sign-key': string({
    summary: 'Private key to sign with (PEM).',
    helpValue: 'FILE',
    helpGroup: flagGroups.safety,
  }),
  evidence: boolean({
    summary: 'Pack attached artifacts (default: on).',
    allowNo: true,
    default: true,
    helpGroup: flagGroups.evidence,
  }),
  'allow-missing-evidence': evidenceConflictFlags['allow-missing-evidence'],
}
