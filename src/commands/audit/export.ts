import { option, string } from '@oclif/core/flags'
import { exportFormats, exportLines } from '../../audit/export/export.ts'
import { matcher } from '../../audit/query/filter.ts'
import { selectLines } from '../../audit/query/select-lines.ts'
import { filterFlags, filterOf, logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { DrayError } from '../../lib/errors.ts'
import { writeStreamAtomic } from '../../lib/files/atomic.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatCount } from '../../render/text/format.ts'

export default class AuditExport extends BaseCommand {
  static override summary = 'Write the log in the form of another system.'
  static override description =
    'cloudevents (CloudEvents 1.0) and ocsf (OCSF 1.8, API Activity) have an event for each outcome and each refusal, one JSON on a line. csv has a line for each record, the intents too.'
  static override examples = [
    {
      description: 'For a spreadsheet:',
      command: '<%= config.bin %> audit export --format csv --out audit.csv',
    },
    {
      description: 'The events of the last day, for a collector of events:',
      command: '<%= config.bin %> audit export --format ocsf --since 24h',
    },
  ]
  static override flags = {
    format: option({ options: exportFormats, required: true })({ summary: 'The form.' }),
    out: string({ summary: 'Write to a file; else to stdout.', helpValue: 'FILE' }),
    ...filterFlags,
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(AuditExport)
    keepHeapSmall()
    if (this.jsonEnabled() && flags.out === undefined) {
      throw new DrayError('usage', '--json tells of the export, and needs --out FILE for the export itself', {
        hint: 'Leave --json out: cloudevents and ocsf are JSON, one on a line.',
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
