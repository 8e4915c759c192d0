import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { logOut } from '../cli/registries/logins.ts'
import { resolveLoginRegistry } from '../config/resolver/resolve-registry.ts'
import { renderLogout } from '../render/views/auth.ts'

export default class Logout extends BaseCommand {
  static override summary = 'Remove the stored credentials of a registry.'
  static override description = `dray removes them from the credential helper in Docker's configuration and from Docker's configuration file. The command also succeeds if there are none. dray does not change environment variables and other files. It names those that still have credentials.`
  static override examples = [
    { description: 'Log out of a registry', command: 'dray logout registry.example.com' },
  ]
  static override args = {
    registry: stringArg({
      description: 'HOST or HOST:PORT (default: Docker Hub).',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    'auth-file': string({
      summary: "Remove them from this file, in Docker's format.",
      helpValue: 'FILE',
      helpGroup: flagGroups.connection,
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logout)
    const registry = resolveLoginRegistry(args.registry, 'logout')
    const result = await logOut(this.context, registry, flags['auth-file'], this.call)
    this.finish(result, (page) => renderLogout(result, page))
  }
}
