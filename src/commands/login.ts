import { string as stringArg } from '@oclif/core/args'
import { string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { readSecret } from '../cli/wiring/given-credential.ts'
import { logIn } from '../cli/registries/logins.ts'
import { resolveLoginRegistry } from '../config/resolver/resolve-registry.ts'
import { DrayError } from '../lib/errors.ts'
import { renderLogin, renderLoginNotes } from '../render/views/auth.ts'

export default class Login extends BaseCommand {
  static override summary = 'Log in to a registry and store the credentials.'
  static override description = `dray checks the credentials at the registry first, and stores nothing that the registry refuses. It uses the credential helper in Docker's configuration, or Docker's configuration file, readable only by you. docker and podman use the same credentials.

On a terminal, dray asks for a missing user and password.`
  static override examples = [
    { description: 'Enter the user and the password', command: 'dray login registry.example.com' },
    {
      description: 'Read the token from stdin, in a CI job',
      command: `printenv TOKEN \\
    | dray login registry.example.com --username ci --password-stdin`,
    },
  ]
  static override args = {
    registry: stringArg({
      description: 'HOST or HOST:PORT (default: Docker Hub).',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    'auth-file': string({
      summary: "Store them in this file, in Docker's format.",
      helpValue: 'FILE',
      helpGroup: flagGroups.connection,
    }),
  }

  protected override readonly takesLogin = true

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Login)
    const { config } = await this.context.config()
    const registry = resolveLoginRegistry(args.registry, 'login', config.registries)
    const username =
      flags.username ?? (await this.#asked(registry, (ask) => ask.enter(`User at ${registry}:`, complaint)))
    const password = flags['password-stdin']
      ? await readSecret(process.stdin)
      : await this.#asked(registry, (ask) => ask.enterSecret(`Password or token of ${username}:`))
    const result = await logIn(
      this.context,
      { registry, username, password, authFile: flags['auth-file'] },
      this.call,
    )
    this.finish(result, (page) => renderLogin(result, page))
    for (const note of renderLoginNotes(result)) this.warn(note)
  }

  async #asked<T>(
    registry: string,
    ask: (questions: NonNullable<typeof this.questions>) => Promise<T>,
  ): Promise<T> {
    const { questions } = this
    if (questions !== undefined) return await ask(questions)
    throw new DrayError('usage', `the user or the password for ${registry} is missing`, {
      why: 'dray does not prompt, because the run is non-interactive',
      hint: 'Pass --username USER, and the password on stdin with --password-stdin.',
    })
  }
}

function complaint(text: string): string | undefined {
  return text.trim() === '' ? 'Enter a user.' : undefined
}
