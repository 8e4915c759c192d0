import { boolean, string } from '@oclif/core/flags'
import { flagGroups } from '../help/flag-groups.ts'

const modes = ['commit', 'push', 'pr']
const needsMode = { relationships: [{ type: 'some' as const, flags: modes }] }

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
