import { string } from '@oclif/core/flags'
import { flagGroups } from '../help/flag-groups.ts'

/** The flags of commands that print a scheduled job instead of a run. */
export const jobFlags = {
  'print-job': string({
    summary: 'Print a scheduled job that runs this command.',
    options: ['kubernetes', 'github'],
    exclusive: ['out', 'shard'],
    helpGroup: flagGroups.output,
  }),
  shards: string({
    summary: 'Number of shards of the printed job.',
    helpValue: 'N',
    dependsOn: ['print-job'],
    helpGroup: flagGroups.output,
  }),
}
