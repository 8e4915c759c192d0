import { string } from '@oclif/core/flags'
import { mergeFiles } from '../../audit/merge/merge-files.ts'
import { requireIntactLog } from '../../audit/verify/verification.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { keepHeapSmall } from '../../cli/wiring/small-heap.ts'
import { DrayError } from '../../lib/errors.ts'
import { escapeText } from '../../render/text/escape.ts'
import { formatBytes, formatCount } from '../../render/text/format.ts'

export default class AuditMerge extends BaseCommand {
  static override summary = 'Make one log of several, such as those of CI jobs.'
  static override description =
    'Each log is verified first, and nothing is written where one of them is not whole. The new log has a chain and a head of its own; each line says which log it comes from and what it was there, so that the old line can be put together again. A record that is in several logs is taken once.'
  static override examples = [
    {
      description: 'The logs of all jobs of a pipeline:',
      command: '<%= config.bin %> audit merge job-1.jsonl job-2.jsonl --out pipeline.jsonl',
    },
  ]
  static override strict = false
  static override usage = ['audit merge FILE... --out FILE']
  static override flags = {
    out: string({ summary: 'The new log; must not be there yet.', helpValue: 'FILE', required: true }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(AuditMerge)
    keepHeapSmall()
    const paths = argv as string[]
    if (paths.length === 0)
      throw new DrayError('usage', 'no log is named', { hint: 'See "dray audit merge --help".' })
    for (const path of paths) await this.#verify(path)
    const { lines, merged } = await mergeFiles(paths, flags.out, this.call.signal)
    const twice = lines - merged
    this.finish({ file: flags.out, logs: paths, lines, records: merged, twice }, () => {
      const repeated = twice === 0 ? '' : ` ${formatCount(twice, 'record')} stood in more than one.`
      const from = `${formatCount(paths.length, 'log')} merged into ${escapeText(flags.out)}`
      return `${from}: ${formatCount(merged, 'record')}.${repeated}`
    })
  }

  async #verify(path: string): Promise<void> {
    const onProgress = (done: number, all: number): void =>
      this.report(`Verifying ${escapeText(path)}: ${formatBytes(done)} of ${formatBytes(all)}`)
    const hint =
      'Nothing was merged. Leave this log out, or find out who changed it: "dray audit verify" tells more.'
    await requireIntactLog(path, { clock: this.context.clock, onProgress, hint }, this.call.signal)
  }
}
