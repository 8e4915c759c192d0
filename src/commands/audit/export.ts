import { option, string } from '@oclif/core/flags'
import { exportFormats, exportLines } from '../../audit/export/export.ts'
import { matcher } from '../../audit/query/filter.ts'
import { selectLines } from '../../audit/query/select-lines.ts'
import { filterFlags, filterOf, logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { DrayError } from '../../lib/errors.ts'
import { writeStreamAtomic } from '../../lib/files/atomic.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatCount } from '../../render/text/format.ts'

export default class AuditExport extends BaseCommand {
  static override summary = 'Export the audit log in another format.'
  static override description = `- cloudevents (CloudEvents 1.0) and ocsf (OCSF 1.8, API Activity) have one event for each outcome and each refusal, as JSON Lines.
- cdevents (CDEvents as CloudEvents) has one event for each tag that was written and each deletion, as JSON Lines. Other records have no event.
- csv has one line for each record, intents included.

A record must match all filters. If you repeat a filter, it must match one of the values. The filters have the same forms as those of \`dray audit log\`. Without \`--out\`, dray writes to stdout.`
  static override examples = [
    {
      description: 'Export the log for a spreadsheet',
      command: 'dray audit export --format csv --out audit.csv',
    },
    {
      description: 'Export the events of the last day',
      command: 'dray audit export --format ocsf --since 24h',
    },
  ]
  static override flags = {
    format: option({ options: exportFormats, required: true })({
      summary: 'Format of the export.',
      helpValue: 'FORMAT',
      helpGroup: flagGroups.output,
    }),
    out: string({
      summary: 'Write the export to a file.',
      helpValue: 'FILE',
      helpGroup: flagGroups.output,
    }),
    ...filterFlags,
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(AuditExport)
    keepHeapSmall()
    if (this.format !== 'text' && flags.out === undefined) {
      throw new DrayError('usage', `-o ${this.format} needs --out FILE: the export itself is on stdout`, {
        hint: 'Omit the output format. cloudevents, cdevents and ocsf are JSON, one object per line.',
      })
    }
    const path = await this.context.auditPath(flags['audit-file'])
    const filter = filterOf(flags, this.context.clock.now())
    const options = { matches: matcher(filter), since: filter.since, until: filter.until }
    await using selection = await selectLines(path, options, this.call.signal)
    const { chunks, count } = exportLines(selection, flags.format)
    if (flags.out === undefined) {
      await this.pour(chunks)
      return
    }
    await writeStreamAtomic(flags.out, chunks, this.call.signal, { mode: 0o600 })
    const file = escapeText(flags.out)
    this.finish({ log: path, format: flags.format, file: flags.out, count: count() }, () => {
      return `${formatCount(count(), flags.format === 'csv' ? 'record' : 'event')} written to ${file}.`
    })
  }
}
