import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../cli/command/base-command.ts'
import { scopeFlags } from '../cli/prune/prune-flags.ts'
import { renderExplanation } from '../render/prune/explanation.ts'

export default class Explain extends BaseCommand {
  static override summary = 'Explain why an image is kept or deleted.'
  static override description = `dray shows the decision of the retention policy about one tag or digest: the time of the image and its origin, the result of every rule and protection, and the tags, indexes and subjects that reach the image. \`dray prune\` makes the same decision. The command changes nothing.`
  static override examples = [
    { description: 'Explain the decision about a tag', command: 'dray explain @dev/api:pr-12-a1b2c3' },
    {
      description: 'Explain it for a digest, such as one platform of an image',
      command: 'dray explain "registry.example.com/dev/api@$DIGEST"',
    },
  ]
  static override args = {
    ref: stringArg({
      description: 'Reference with a tag or digest, such as @dev/api:pr-12.',
      required: true,
      ignoreStdin: true,
    }),
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
