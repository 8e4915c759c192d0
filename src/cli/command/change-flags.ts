import { boolean, option, string } from '@oclif/core/flags'
import type { InferredFlags } from '@oclif/core/interfaces'
import { flagGroups } from '../help/flag-groups.ts'
import { outputFlag } from './global-flags.ts'

/** Flags of every command that changes a registry. */
export const changeFlags = {
  yes: boolean({ char: 'y', summary: 'Skip confirmation.', helpGroup: flagGroups.safety }),
  'dry-run': boolean({ summary: 'Show the plan and change nothing.', helpGroup: flagGroups.safety }),
  'detailed-exitcode': boolean({
    summary: 'Exit 2 if the plan has changes (--dry-run, --out).',
    helpGroup: flagGroups.output,
  }),
  'audit-file': string({
    summary: 'Audit log to write to.',
    helpValue: 'FILE',
    helpGroup: flagGroups.audit,
    env: 'DRAY_AUDIT_FILE',
  }),
  reason: string({
    summary: 'Reason for the change, for the audit log.',
    helpValue: 'TEXT',
    helpGroup: flagGroups.audit,
    env: 'DRAY_REASON',
  }),
  ticket: string({
    summary: 'Ticket of the change, for the audit log.',
    helpValue: 'ID',
    helpGroup: flagGroups.audit,
    env: 'DRAY_TICKET',
  }),
  actor: string({
    summary: 'Person who requests the change, for the audit log.',
    helpValue: 'NAME',
    helpGroup: flagGroups.audit,
    env: 'DRAY_ACTOR',
  }),
  ...outputFlag('name', 'digest'),
  report: string({
    summary: 'Write the result: dotenv=FILE, dir=FOLDER, summary=FILE.',
    helpValue: 'KIND=PATH',
    helpGroup: flagGroups.output,
    multiple: true,
    multipleNonGreedy: true,
  }),
}

export const outFlag = {
  out: string({
    summary: 'Save the plan for dray apply and change nothing.',
    helpValue: 'FILE',
    helpGroup: flagGroups.safety,
  }),
}

export const metricsFlag = {
  metrics: string({
    summary: 'Write metrics for Prometheus to this file.',
    helpValue: 'FILE',
    helpGroup: flagGroups.output,
  }),
}

export const moveTagFlag = {
  'move-tag': boolean({
    summary: 'Allow version tags and immutable tags to move.',
    helpGroup: flagGroups.safety,
  }),
}

export const allowBackwardFlag = {
  'allow-backward': boolean({
    summary: 'Allow floating tags to move to a lower version.',
    helpGroup: flagGroups.safety,
  }),
}

export const partialFlag = {
  partial: boolean({
    summary: 'Write tags at ready targets even if others fail.',
    helpGroup: flagGroups.safety,
  }),
}

/** Whether a copy takes attached artifacts along. */
export const evidenceFlag = {
  evidence: boolean({
    summary: 'Copy attached artifacts (default: on).',
    allowNo: true,
    default: true,
    helpGroup: flagGroups.evidence,
  }),
}

/** Whether a copy is checked after it. */
export const verifyFlag = {
  verify: boolean({
    summary: 'Read the content back and repair missing parts.',
    helpGroup: flagGroups.safety,
  }),
}

/** Flags about attached artifacts that are missing or differ. */
export const evidenceConflictFlags = {
  'allow-missing-evidence': boolean({
    summary: 'Skip listed artifacts whose manifest is missing.',
    helpGroup: flagGroups.evidence,
  }),
  'evidence-conflict': option({ options: ['refuse', 'keep', 'replace'] as const })({
    summary: 'Action if a cosign tag differs at the destination.',
    helpValue: 'ACTION',
    default: 'refuse' as const,
    helpGroup: flagGroups.evidence,
  }),
}

const commitModes = ['commit', 'push', 'pr']
const needsMode = { relationships: [{ type: 'some' as const, flags: commitModes }] }

/** Flags of the commands that edit deployment files. Without one of the first three, no commit. */
export const gitFlags = {
  commit: boolean({
    summary: 'Commit the edited files.',
    helpGroup: flagGroups.git,
    exclusive: ['push', 'pr'],
  }),
  push: boolean({
    summary: 'Commit the edited files and push the commit.',
    helpGroup: flagGroups.git,
    exclusive: ['pr'],
  }),
  pr: boolean({
    summary: 'Push the edits to a branch and open a pull request.',
    helpGroup: flagGroups.git,
  }),
  branch: string({
    summary: 'Branch that gets the edits (default: the current one).',
    helpValue: 'BRANCH',
    helpGroup: flagGroups.git,
    ...needsMode,
  }),
  message: string({
    summary: 'Subject of the commit.',
    helpValue: 'TEXT',
    helpGroup: flagGroups.git,
    ...needsMode,
  }),
}

/** Flags of the commands that write tags, and then edit deployment files. */
export const gitopsFlags = {
  gitops: boolean({
    summary: 'Also edit the deployment files of the environment.',
    helpGroup: flagGroups.git,
  }),
  ...gitFlags,
}

/** The flags of a command that changes a registry. Not every command has all of them. */
export type ChangeFlags = Omit<InferredFlags<typeof changeFlags>, 'output' | 'json'> & {
  readonly out?: string | undefined
  /** shows every tag that a prune keeps */
  readonly all?: boolean
  readonly metrics?: string | undefined
  /** items that the registry refuses to delete are a problem */
  readonly strict?: boolean
}
