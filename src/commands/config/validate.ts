import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { renderConfigSummary, summaryOf } from '../../cli/setup/config-summary.ts'
import { type LoadedConfig, loadConfig } from '../../config/load.ts'
import { retentionOf } from '../../config/retention/retention.ts'
import { DrayError } from '../../lib/errors.ts'

export default class ConfigValidate extends BaseCommand {
  static override summary = 'Check a dray.yaml, and say what is in it.'
  static override description =
    'Names every mistake with its line and column, also what is wrong by its meaning: rules that can delete nothing or would delete everything, tags that nothing fits, environments that are not there. Nothing is asked of a registry. Exit code 1 where there is a mistake.'
  static override examples = [
    { description: 'The one that is in force here:', command: '<%= config.bin %> config validate' },
    { description: 'Another one:', command: '<%= config.bin %> config validate ci/dray.yaml' },
  ]
  static override args = {
    file: stringArg({
      description: 'The file; without it, the one that is in force here.',
      required: false,
      ignoreStdin: true,
    }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(ConfigValidate)
    const loaded = await this.#load(args.file)
    if (loaded.file === undefined) {
      throw new DrayError('not-found', 'there is no dray.yaml here or in a folder above', {
        hint: 'Write one with "dray config init", or name one: dray config validate FILE.',
      })
    }
    const summary = summaryOf(loaded.file, loaded.config, retentionOf(loaded))
    this.finish(summary, (page) => renderConfigSummary(summary, page))
  }

  async #load(file: string | undefined): Promise<LoadedConfig> {
    if (file === undefined) return await this.context.config()
    return await loadConfig({ cwd: this.context.cwd, file })
  }
}
