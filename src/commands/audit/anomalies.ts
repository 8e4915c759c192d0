import { boolean, string } from '@oclif/core/flags'
import { matcher, parseMoment } from '../../audit/query/filter.ts'
import { filterFlags, filterOf, logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { exitCodes } from '../../cli/command/exit-codes.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { DrayError } from '../../lib/errors.ts'
import { renderAnomalies } from '../../render/anomalies/anomalies.ts'

export default class AuditAnomalies extends BaseCommand {
  static override summary = 'Find unusual changes in the audit log.'
  static override description = `dray compares the records of the last days with those before them, the baseline:

- new actors, also in an environment, new hosts and new CI workflows
- runs at hours at which their actor does not work
- days with far more images than usual, and prunes that delete far more

It always lists downgrades, rollbacks, changes with \`--allow-backward\` or \`--move-tag\`, overridden gates, and refusals in a row.

The filters choose the findings: at least one record must match. dray compares with the whole log. Hours and days are in audit.timezone of dray.yaml (default: UTC).

If the baseline is too short for a rule, dray prints the reason. A finding is no proof of an attack, and an actor can write other names into the log: verify it with \`dray audit verify\`.

TIME is a day in UTC (2026-03-04), a time (2026-03-04T05:06Z) or an age (24h, 7d). An age of \`--baseline\` counts from the start of the period.`
  static override examples = [
    { description: 'Show unusual changes of the last 7 days', command: 'dray audit anomalies' },
    {
      description: 'Fail a CI job if there are unusual changes in prod since yesterday',
      command: 'dray audit anomalies --since 24h --env prod --detailed-exitcode',
    },
    {
      description: 'Print the rules of all findings',
      command: `dray audit anomalies --since 30d --json \\
    | jq '.result.findings[].rule'`,
    },
  ]
  static override flags = {
    ...filterFlags,
    since: string({
      summary: 'Start of the period to check.',
      helpValue: 'TIME',
      default: '7d',
      helpGroup: flagGroups.audit,
    }),
    baseline: string({
      summary: 'Start of the baseline before it.',
      helpValue: 'TIME',
      default: '90d',
      helpGroup: flagGroups.audit,
    }),
    'detailed-exitcode': boolean({
      summary: 'Exit 2 if there are findings.',
      helpGroup: flagGroups.output,
    }),
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(AuditAnomalies)
    keepHeapSmall()
    const now = this.context.clock.now()
    const { since = now, until, ...filter } = filterOf(flags, now)
    const baseline = parseMoment(flags.baseline, 'since', since, '--baseline')
    checkOrder(`--since ${flags.since}`, since, 'the end of the period', Math.min(until ?? now, now))
    checkOrder(`--baseline ${flags.baseline}`, baseline, `--since ${flags.since}`, since)
    const [path, { config }, { findAnomalies }] = await Promise.all([
      this.context.auditPath(flags['audit-file']),
      this.context.config(),
      import('../../audit/anomalies/find-anomalies.ts'),
    ])
    const options = {
      baseline,
      since,
      until,
      now,
      timezone: config.audit.timezone ?? 'UTC',
      matches: matcher(filter),
      auditFile: flags['audit-file'],
    }
    const report = await findAnomalies(path, options, this.call.signal)
    const isFound = flags['detailed-exitcode'] && report.findings.length > 0
    this.finish(report, (page) => renderAnomalies(report, page), isFound ? exitCodes.changes : exitCodes.done)
  }
}

/** An empty period would have no findings. @throws `usage`. */
function checkOrder(flag: string, from: number, end: string, to: number): void {
  if (from < to) return
  const iso = (at: number): string => new Date(at).toISOString()
  throw new DrayError('usage', `${flag} is not before ${end}`, {
    why: `it is ${iso(from)}, and ${end} is ${iso(to)}`,
    hint: 'The baseline begins before --since, and --since is before --until and before now.',
  })
}
