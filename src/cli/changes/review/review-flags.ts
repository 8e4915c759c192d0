import { boolean, option } from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'

/**
 * Flags of `dray apply` that set a rule aside. They mean what they mean when a plan is made. A
 * saved plan does not carry them: a person who can write the file could add them.
 */
export const reviewFlags = {
  'move-tag': boolean({ summary: 'Let version tags and immutable tags move, as the plan says.' }),
  'allow-backward': boolean({ summary: 'Let floating tags move to a lower version, as the plan says.' }),
  'allow-copy': boolean({
    summary: 'Let a plan of dray copy go past promoteFrom, tags.semver and attest of its environment.',
  }),
  partial: boolean({ summary: 'Let the targets that are ready go ahead of those that are not.' }),
  evidence: boolean({
    summary: 'Refuse a plan that leaves attached artifacts behind (the default).',
    allowNo: true,
    default: true,
  }),
  'allow-missing-evidence': boolean({
    summary: 'Go on if an attached artifact is listed and its manifest is missing.',
  }),
  'evidence-conflict': option({ options: ['refuse', 'keep', 'replace'] as const })({
    summary: 'What to do if a cosign tag holds one thing at the source and another at the destination.',
    default: 'refuse' as const,
  }),
  attest: boolean({
    summary: 'Refuse a plan that does not attest its promotions; if not given, dray.yaml decides.',
    allowNo: true,
  }),
}

export type ReviewFlags = Omit<InferredFlags<typeof reviewFlags>, 'attest' | 'json'> & {
  readonly attest: boolean | undefined
}
