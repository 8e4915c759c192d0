import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { renderConfigSummary, summaryOf, warnAboutPolicies } from '../../cli/setup/config-summary.ts'
import { validate } from '../../cli/setup/validate.ts'
import { loadConfig } from '../../config/load.ts'
import type { LoadedConfig } from '../../config/parse.ts'
import { formatWarnings } from '../../config/mistakes.ts'
import { DrayError } from '../../lib/errors.ts'

export default class ConfigValidate extends BaseCommand {
  static override summary = 'Check dray.yaml and report all mistakes.'
  static override description = `dray prints each mistake with its file, line, column and key. It checks the syntax, unknown keys and types, and finds rules that contradict each other or select nothing, sync rules that write the same tag or form a cycle, and rules of \`watch\` that start each other. It reads the keys and trusted roots of signers, and compiles the expressions of gates. It warns about deprecated keys, about rules that an earlier one hides, about ranges of versions that select no release or only its pre-releases, and about gates that need attestations of an environment without \`attest: true\`. It sends no request to a registry. The exit code is 1 if there is a mistake.`
  static override examples = [
    { description: 'Check the dray.yaml of this folder', command: 'dray config validate' },
    { description: 'Check another file', command: 'dray config validate ci/dray.yaml' },
  ]
  static override args = {
    file: stringArg({
      description: 'File to check (default: the nearest dray.yaml upwards).',
      required: false,
      ignoreStdin: true,
    }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(ConfigValidate)
    const loaded = await this.#load(args.file)
    if (loaded.file === undefined) {
      throw new DrayError('not-found', 'there is no dray.yaml in this folder or above it', {
        hint: 'Run "dray config init" to write one, or name a file: dray config validate FILE.',
      })
    }
    const parts = await validate(loaded, this.context.clock.now())
    for (const text of warnAboutPolicies(loaded, parts.policies)) this.warn(text)
    for (const text of formatWarnings(loaded.name ?? '', parts.gateWarnings, 'warnings about gates'))
      this.warn(text)
    const summary = summaryOf(loaded.file, loaded, parts)
    this.finish(summary, (page) => renderConfigSummary(summary, page))
  }

  async #load(file: string | undefined): Promise<LoadedConfig> {
    if (file === undefined) return await this.context.config()
    const loaded = await loadConfig({ cwd: this.context.cwd, file, now: this.context.clock.now() })
    for (const text of loaded.warnings) this.warn(text)
    return loaded
  }
}
