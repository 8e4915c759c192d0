import type { JobKind } from '../cli/jobs/print-job.ts'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { syncFlags } from '../cli/sync/sync-flags.ts'

export default class Sync extends ChangeCommand {
  static override summary = 'Copy images by the rules of dray.yaml.'
  static override description = `Rules are under \`sync\` in dray.yaml. Each rule selects tags of repositories and copies them to one or several destinations. Without RULE, dray executes all rules. It executes each rule once and exits: start it from cron or CI.

dray compares the tags of both sides and copies only images that differ. It copies attached artifacts (signatures, SBOMs, attestations) with their images and writes the tags of an image last. A rule that writes to an environment follows the promoteFrom, tags, require, attest and gates of that environment.

The plan shows tags that are missing, moved, changed by another client or extra at a destination. dray does not overwrite a tag that another client changed, unless you pass \`--overwrite-changed\`. It deletes extra tags only with \`--delete\`, in repositories of a rule with \`delete\`, after every copy and tag there succeeded.

A repository or image that fails does not stop the others: dray then exits with 4. \`--dry-run --detailed-exitcode\` exits with 2 if a destination differs.`
  static override examples = [
    { description: 'Show the differences of all rules', command: 'dray sync --dry-run' },
    { description: 'Execute one rule after a confirmation', command: 'dray sync hub' },
    {
      description: 'Execute all rules every night, from cron',
      command: `dray sync --yes --metrics /var/lib/node_exporter/sync.prom`,
    },
    {
      description: 'Report differences in CI, and change nothing',
      command: 'dray sync --dry-run --detailed-exitcode --json',
    },
    {
      description: 'Also delete the tags that the source does not have',
      command: 'dray sync hub --delete',
    },
    {
      description: 'Execute a part of the rules in each of four jobs',
      command: 'dray sync --yes --shard 1/4',
    },
    {
      description: 'Print a Kubernetes CronJob that runs the rules in four shards',
      command: 'dray sync --print-job kubernetes --shards 4',
    },
    {
      description: 'Convert the configuration of regsync to rules',
      command: 'dray sync --import regsync.yml',
    },
  ]
  static override strict = false
  static override usage = ['sync [RULE...]', 'sync --import FILE']
  static override flags = syncFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Sync)
    if (flags['print-job'] !== undefined) {
      const { printJob } = await import('../cli/jobs/print-job.ts')
      const options = { shards: flags.shards, version: this.context.version }
      const text = printJob(flags['print-job'] as JobKind, 'sync', this.argv, options)
      return this.finish({ job: text }, () => text.trimEnd())
    }
    if (flags.import !== undefined) {
      const { convertSyncFile } = await import('../cli/sync/convert-sync-file.ts')
      const { yaml, warnings } = await convertSyncFile(flags.import, flags.to)
      for (const warning of warnings) this.warn(warning)
      return this.finish({ yaml }, () => yaml.trimEnd())
    }
    const rules = argv as string[]
    const { planSync } = await import('../cli/sync/plan-sync.ts')
    const change = await planSync({ ...flags, rules }, this.context, this.reading)
    await this.carryOut('sync', change, flags)
  }
}
