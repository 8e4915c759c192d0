import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../cli/command/base-command.ts'
import { scopeFlags } from '../cli/prune/prune-flags.ts'
import { renderExplanation } from '../render/prune/explanation.ts'

export default class Explain extends BaseCommand {
  static override summary = 'Tell why a retention policy keeps or deletes an image.'
  static override description =
    'Of one tag or digest: the verdict, the time that was used and where it came from, what every protection and every rule says of it, and what reaches it. The same words decide "dray prune"; nothing is changed.'
  static override examples = [
    { description: 'A tag:', command: '<%= config.bin %> explain @dev/api:pr-12-a1b2c3' },
    {
      description: 'A digest, such as a platform image of an index:',
      command: '<%= config.bin %> explain registry.example.com/dev/api@sha256:…',
    },
  ]
  static override args = {
    ref: stringArg({ description: 'The tag or digest.', required: true, ignoreStdin: true }),
  }
  static override flags = scopeFlags

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Explain)
    const { explainImage } = await import('../cli/prune/explaining.ts')
    const options = {
      policy: flags.policy,
      inUse: flags['in-use'] ?? [],
      cache: flags.cache,
      auditFile: undefined,
    }
    const explanation = await explainImage(args.ref, options, this.context, this.call)
    this.finish(explanation, (page) => renderExplanation(explanation, page))
  }
}
