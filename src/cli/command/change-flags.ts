import { boolean, option, string } from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'

/** Flags of every command that changes a registry. */
export const changeFlags = {
  yes: boolean({ char: 'y', summary: 'Go ahead without a question.' }),
  'dry-run': boolean({ summary: 'Show the plan and change nothing.' }),
  'detailed-exitcode': boolean({ summary: 'With --dry-run or --out: exit 2 where the plan has changes.' }),
  'audit-file': string({
    summary: 'Where the record of each change goes.',
    helpValue: 'FILE',
    env: 'DRAY_AUDIT_FILE',
  }),
  reason: string({ summary: 'Why, for the record.', helpValue: 'TEXT', env: 'DRAY_REASON' }),
  ticket: string({
    summary: 'The ticket that asks for it, for the record.',
    helpValue: 'ID',
    env: 'DRAY_TICKET',
  }),
  actor: string({
    summary: 'Who asks for it, beside the user or CI job that the record names anyway.',
    helpValue: 'NAME',
    env: 'DRAY_ACTOR',
  }),
  output: option({ options: ['text', 'digest'] as const })({
    char: 'o',
    summary: 'What stands on stdout: the story, or the digest of each image on a line.',
    default: 'text' as const,
  }),
  report: string({
    summary: 'Write DRAY_DIGEST, DRAY_CHANGED and DRAY_PLAN to a file: dotenv=FILE.',
    helpValue: 'KIND=FILE',
    multiple: true,
    multipleNonGreedy: true,
  }),
}

export const outFlag = {
  out: string({
    summary: 'Save the plan for `dray apply` and change nothing.',
    helpValue: 'FILE',
  }),
}

/** The flags of a command that changes a registry. Not every command has all of them. */
export type ChangeFlags = Omit<InferredFlags<typeof changeFlags>, 'output' | 'json'> & {
  readonly output?: 'text' | 'digest'
  readonly out?: string | undefined
  /** shows every tag that a prune keeps */
  readonly all?: boolean
  readonly metrics?: string | undefined
}
