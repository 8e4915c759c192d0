import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { exitCodes } from '../../cli/command/exit-codes.ts'
import { explainAuth } from '../../cli/registries/logins.ts'
import { resolveOneRegistry } from '../../config/resolver/resolve-registry.ts'
import { renderAuthExplanation } from '../../render/views/auth.ts'

export default class AuthExplain extends BaseCommand {
  static override summary = 'Say which credentials would be used for a registry, and why.'
  static override description =
    'All places where credentials may be, in the order in which they are looked for: what each has, which one wins, and what tokens would be asked for. It shows no secret and asks no registry; credential helpers are asked, as always. Ends with 1 where a place is broken that would be used.'
  static override examples = [
    { description: 'For a registry:', command: '<%= config.bin %> auth explain registry.example.com' },
    {
      description: 'For one repository, which may have credentials of its own:',
      command: '<%= config.bin %> auth explain registry.example.com/team/api',
    },
  ]
  static override args = {
    registry: stringArg({
      description: 'HOST, HOST:PORT, or a repository: HOST/PATH.',
      required: true,
      ignoreStdin: true,
    }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(AuthExplain)
    const { config } = await this.context.config()
    const registry = resolveOneRegistry(args.registry, config)
    const explanation = await explainAuth(this.context, registry, this.call)
    const isBroken = explanation.used === null && explanation.sources.some(({ state }) => state === 'broken')
    this.finish(
      explanation,
      (page) => renderAuthExplanation(explanation, page),
      isBroken ? exitCodes.failed : exitCodes.done,
    )
  }
}
