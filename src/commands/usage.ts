import { BaseCommand } from '../cli/command/base-command.ts'
import { exitOfView } from '../cli/command/view-exit.ts'
import { usageFlags, usageRequestOf } from '../cli/usage/usage-flags.ts'
import { renderUnreachable } from '../render/views/unreachable.ts'
import { renderUsage, renderUsageNotes } from '../render/usage/usage.ts'
import { listUsageLines } from '../cli/usage/usage-lines.ts'

export default class Usage extends BaseCommand {
  static override summary = 'Show what repositories store.'
  static override description = `Sizes count distinct blobs: manifests, configs and layers. dray reads manifests and downloads no layers. It changes nothing at the registry.

- UNIQUE: content that one image has.
- SHARED: content that several images of the repository have.
- CROSS-REPO: content that another repository of the run has too. The total counts it once.
- UNTAGGED: content that no tagged image has. It is unknown without an inventory (\`registries.HOST.kind\` in dray.yaml).

Each run records the sizes of the day in \`~/.local/state/dray/usage.jsonl\`. Growth compares with the recorded day that is nearest to \`--since\`. Without a record, it uses the push times of the inventory.

With \`--not-pulled\`, dray counts the images without a pull for this time, if the registry has pull times, and shows why some of them are kept. With \`--policy\`, the planner of \`dray prune\` decides what would be deleted. It deletes nothing.

REPO is \`@dev/api\`, \`@dev/*\`, \`@dev\`, \`registry.example.com/team/*\` or an image of dray.yaml. Without REPO, dray reads all images of dray.yaml.`
  static override examples = [
    { description: 'Show all images of dray.yaml', command: 'dray usage' },
    {
      description: 'Show images without pulls, and what a policy would free',
      command: 'dray usage @prod --not-pulled 90d --policy nightly',
    },
    {
      description: 'List the images without a pull for 90 days',
      command: 'dray usage @prod --by tag --not-pulled 90d',
    },
    { description: 'List the largest layers', command: 'dray usage @prod --by layer --limit 10' },
    {
      description: 'Write metrics every night, from cron',
      command: 'dray usage --metrics /var/lib/node_exporter/dray-usage.prom',
    },
  ]
  static override strict = false
  static override usage = ['usage [REPO...]']
  static override flags = usageFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Usage)
    const request = usageRequestOf(flags)
    const { gatherUsageReport } = await import('../cli/usage/gather-usage.ts')
    const { report, warnings } = await gatherUsageReport(
      {
        patterns: argv as string[],
        policy: flags.policy,
        isWhatIf: flags.policy !== undefined,
        inUse: flags['in-use'] ?? [],
        cache: flags.cache,
        auditFile: flags['audit-file'],
      },
      request,
      this.context,
      this.call,
    )
    for (const text of warnings) this.warn(text)
    if (flags.metrics !== undefined) {
      const { writeUsageMetrics } = await import('../cli/usage/usage-metrics.ts')
      await writeUsageMetrics(flags.metrics, report)
    }
    const { repositories, unreachable } = report
    const total = repositories.length + unreachable.length
    this.finish(
      report,
      (page) => renderUsage(report, page),
      exitOfView({ total, unreachable: unreachable.length, differs: false }, false),
      listUsageLines(report),
    )
    for (const line of renderUnreachable(unreachable, this.errorPage.style)) this.printAside(line)
    for (const line of renderUsageNotes(report, this.errorPage)) this.say(line)
  }
}
