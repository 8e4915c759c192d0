import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { logOut } from '../cli/registries/logins.ts'
import { resolveLoginRegistry } from '../config/resolver/resolve-registry.ts'
import { renderLogout } from '../render/views/auth.ts'

export default class Logout extends BaseCommand {
  static override summary = 'Log out of a registry: remove the credentials that are kept for it.'
  static override description =
    "From the credential helper that docker's configuration names for it, and from the file. Not being logged in is no error. Variables, and files of others, stay as they are: it says where there still are credentials."
  static override examples = [
    { description: 'Of one registry:', command: '<%= config.bin %> logout registry.example.com' },
  ]
  static override args = {
    registry: stringArg({
      description: 'HOST or HOST:PORT; Docker Hub where it is not given.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    'auth-file': string({
      summary: "Remove them from this file, in the form that docker and podman share; else from docker's.",
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logout)
    const registry = resolveLoginRegistry(args.registry, 'logout')
    const result = await logOut(this.context, registry, flags['auth-file'], this.call)
    this.finish(result, (page) => renderLogout(result, page))
  }
}
