import { boolean } from '@oclif/core/flags'
import { matcher } from '../../audit/query/filter.ts'
import type { LogEntry } from '../../audit/log/record.ts'
import { type Selection, selectLines } from '../../audit/query/select-lines.ts'
import { filterFlags, filterOf, logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { limitFlags, outputFlag } from '../../cli/command/global-flags.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { DrayError } from '../../lib/errors.ts'
import { escapeText } from '../../render/text/escape.ts'
import { logTable } from '../../render/views/log.ts'

/** The limits of one document. */
const maxDocument = { records: 10_000, bytes: 16 * 1024 * 1024 } as const
const newline = Buffer.from('\n')

export default class AuditLog extends BaseCommand {
  static override summary = 'Show changes with time and actor.'
  static override description = `The newest records come last. The table has one row for the outcome of each step and for each refused image. An intent has a row only if no outcome follows it. \`--json\` and \`-o jsonl\` print every record.

A record must match all filters. If you repeat a filter, it must match one of the values.

- NAME of \`--image\` is an image with or without its tag, a repository or a digest.
- NAME of \`--actor\` is a user, the user of a CI job, or the name that \`--actor\` set for the change.
- TIME is a day in UTC (2026-03-04), a time (2026-03-04T05:06Z) or an age (24h, 7d). A day of \`--until\` is included.

dray reads the log of \`--audit-file\`, or of audit.file in dray.yaml, or the one in your state folder.`
  static override examples = [
    { description: 'Show the last changes', command: 'dray audit log' },
    {
      description: 'Show all promotions from or to prod since a day',
      command: 'dray audit log --env prod --operation promote --since 2026-11-23 --all',
    },
    {
      description: 'Print all records about one image, for another program',
      command: 'dray audit log --image api --all -o jsonl',
    },
  ]
  static override flags = {
    ...filterFlags,
    ...outputFlag('jsonl'),
    ...limitFlags('records', 50),
    // Older scripts use it instead of `-o jsonl`.
    jsonl: boolean({
      summary: 'Short for -o jsonl.',
      helpGroup: flagGroups.output,
      hidden: true,
      exclusive: ['json', 'output'],
    }),
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(AuditLog)
    keepHeapSmall()
    const path = await this.context.auditPath(flags['audit-file'])
    const format = flags.jsonl ? 'jsonl' : this.format
    const isTable = format === 'text'
    const filter = filterOf(flags, this.context.clock.now())
    const options = {
      matches: matcher(filter),
      since: filter.since,
      until: filter.until,
      ...(!flags.all && { limit: flags.limit }),
      withoutSettled: isTable,
    }
    await using selection = await selectLines(path, options, this.call.signal)
    if (isTable) await this.#showTable(selection, path)
    else if (format === 'jsonl') await this.pour(linesOf(selection))
    else this.finish({ log: path, records: await recordsOf(selection) }, () => '')
    if (selection.hasMore && isTable)
      this.say(this.errorPage.style.dim(`The last ${flags.limit} records. Show all with --all.`))
  }

  async #showTable(selection: Selection, path: string): Promise<void> {
    const render = logTable(this.page)
    let isEmpty = true
    await this.pourText(
      mapBatches(selection, (entries) => {
        isEmpty = false
        return `${render(entries)}\n`
      }),
    )
    if (isEmpty) this.say(`No records in ${escapeText(path)} match.`)
  }
}

async function* mapBatches(
  { batches }: Selection,
  render: (entries: readonly LogEntry[]) => string,
): AsyncGenerator<string, void, undefined> {
  for await (const batch of batches) yield render(batch.map(({ entry }) => entry))
}

async function* linesOf({ batches }: Selection): AsyncGenerator<Buffer, void, undefined> {
  for await (const batch of batches) yield Buffer.concat(batch.flatMap(({ raw }) => [raw, newline]))
}

async function recordsOf({ batches }: Selection): Promise<readonly LogEntry[]> {
  const records: LogEntry[] = []
  let bytes = 0
  for await (const batch of batches) {
    for (const { entry, raw } of batch) {
      records.push(entry)
      bytes += raw.byteLength
    }
    if (records.length <= maxDocument.records && bytes <= maxDocument.bytes) continue
    throw new DrayError('usage', 'there are too many records for one document', {
      hint: 'Pass --limit or a filter. Or print any number of records, one per line, with -o jsonl.',
    })
  }
  return records
}
