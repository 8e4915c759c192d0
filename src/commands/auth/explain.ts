import { string as stringArg } from '@oclif/core/args'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { exitCodes } from '../../cli/command/exit-codes.ts'
import { explainAuth } from '../../cli/registries/logins.ts'
import { resolveOneRegistry } from '../../config/resolver/resolve-registry.ts'
import { renderAuthExplanation } from '../../render/views/auth.ts'

export default class AuthExplain extends BaseCommand {
  static override summary = 'Show which credentials dray uses for a registry.'
  static override description = `dray lists all sources of credentials in the order in which it reads them. It shows the content of each source without secrets, the source that it uses, and the permissions that it would request. It sends no request to the registry. It runs credential helpers.

The exit code is 1 if dray cannot read a source that it would use.`
  static override examples = [
    {
      description: 'Show the credentials for a registry',
      command: 'dray auth explain registry.example.com',
    },
    {
      description: 'Show them for one repository, which may have its own',
      command: 'dray auth explain registry.example.com/team/api',
    },
  ]
  static override args = {
    registry: stringArg({
      description: 'HOST, HOST:PORT, or a repository HOST/PATH.',
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
