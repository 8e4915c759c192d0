import { boolean, integer, option } from '@oclif/core/flags'
import { matcher } from '../../audit/query/filter.ts'
import type { LogEntry } from '../../audit/log/record.ts'
import { type Selection, selectLines } from '../../audit/query/select-lines.ts'
import { filterFlags, filterOf, logFlag } from '../../cli/audit/audit-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { DrayError } from '../../lib/errors.ts'
import { escapeText } from '../../render/text/escape.ts'
import { logTable } from '../../render/views/log.ts'

/** The limits of one document. */
const maxDocument = { records: 10_000, bytes: 16 * 1024 * 1024 } as const
const newline = Buffer.from('\n')

export default class AuditLog extends BaseCommand {
  static override summary = 'Show what was changed, by whom and when.'
  static override description =
    'The newest records come last. The table has a line for what became of each step and for each image that was refused; an intent stands in it only where no outcome follows. --json and --jsonl have every record.'
  static override examples = [
    { description: 'The last changes:', command: '<%= config.bin %> audit log' },
    {
      description: 'What went to prod since Monday, and who sent it there:',
      command: '<%= config.bin %> audit log --env prod --since 2026-11-23 --result done --all',
    },
    {
      description: 'All about one image, for another program:',
      command: '<%= config.bin %> audit log --image api --all --jsonl',
    },
  ]
  static override flags = {
    ...filterFlags,
    all: boolean({ char: 'a', summary: 'Show all that fit, not only the last.', exclusive: ['limit'] }),
    limit: integer({ char: 'n', summary: 'Show the last so many.', default: 50, min: 1, helpValue: 'COUNT' }),
    jsonl: boolean({
      summary: 'Print the records as they stand in the log, one JSON on a line.',
      exclusive: ['json'],
    }),
    output: option({ options: ['text', 'jsonl'] as const })({
      char: 'o',
      summary: 'What stands on stdout: a table, or the records as with --jsonl.',
      default: 'text' as const,
    }),
    ...logFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(AuditLog)
    keepHeapSmall()
    const path = await this.context.auditPath(flags['audit-file'])
    const isTable = !this.jsonEnabled() && !flags.jsonl && flags.output === 'text'
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
    else if (this.jsonEnabled()) this.finish({ log: path, records: await recordsOf(selection) }, () => '')
    else await this.pour(linesOf(selection))
    if (selection.hasMore && isTable)
      this.say(this.errorPage.style.dim(`The last ${flags.limit}: --all shows all.`))
  }

  async #showTable(selection: Selection, path: string): Promise<void> {
    const render = logTable(this.page)
    let isEmpty = true
    await this.pour(
      mapBatches(selection, (entries) => {
        isEmpty = false
        return `${render(entries)}\n`
      }),
    )
    if (isEmpty) this.say(`Nothing in ${escapeText(path)} fits.`)
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
    throw new DrayError('usage', 'these are too many records for one JSON document', {
      hint: 'Ask for fewer, with --limit or a filter; or for one JSON on each line, which may be any number: --jsonl.',
    })
  }
  return records
}
