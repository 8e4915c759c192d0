import { string } from '@oclif/core/flags'
import { mergeFiles } from '../../audit/merge/merge-files.ts'
import { requireIntactLog } from '../../audit/verify/verification.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { flagGroups } from '../../cli/help/flag-groups.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { DrayError } from '../../lib/errors.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatBytes, formatCount } from '../../render/text/format.ts'

export default class AuditMerge extends BaseCommand {
  static override summary = 'Merge several audit logs into one.'
  static override description = `dray verifies each log first, and writes nothing if one of them fails. The new log is in the order of time. Each line names its old log, its old number and its old hash. The old line can be restored from them. A record that is in several logs is written once.`
  static override examples = [
    {
      description: 'Merge the logs of all jobs of a pipeline',
      command: 'dray audit merge job-1.jsonl job-2.jsonl --out pipeline.jsonl',
    },
  ]
  static override strict = false
  static override usage = ['audit merge FILE... --out FILE']
  static override flags = {
    out: string({
      summary: 'New log, which must not exist.',
      helpValue: 'FILE',
      required: true,
      helpGroup: flagGroups.audit,
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(AuditMerge)
    keepHeapSmall()
    const paths = argv as string[]
    if (paths.length === 0)
      throw new DrayError('usage', 'a log is required', { hint: 'See "dray audit merge --help".' })
    for (const path of paths) await this.#verify(path)
    const { lines, merged } = await mergeFiles(paths, flags.out, this.call.signal)
    const twice = lines - merged
    this.finish({ file: flags.out, logs: paths, lines, records: merged, twice }, () => {
      const repeated = twice === 0 ? '' : ` ${formatCount(twice, 'record')} found in several logs.`
      const from = `${formatCount(paths.length, 'log')} merged into ${escapeText(flags.out)}`
      return `${from}: ${formatCount(merged, 'record')}.${repeated}`
    })
  }

  async #verify(path: string): Promise<void> {
    const onProgress = (done: number, all: number): void =>
      this.report(`Verifying ${escapeText(path)}: ${formatBytes(done)} of ${formatBytes(all)}`)
    const hint = 'Nothing was merged. Omit this log, or run "dray audit verify" to find the change.'
    await requireIntactLog(path, { clock: this.context.clock, onProgress, hint }, this.call.signal)
  }
}
