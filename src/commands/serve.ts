import { once } from 'node:events'
import { string as stringArg } from '@oclif/core/args'
import { integer, option, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { warnAboutExposure, serveRegistry } from '../cli/registries/serve.ts'
import { toDrayError } from '../lib/errors.ts'
import { escapeText } from '../render/text/escape.ts'

export default class Serve extends BaseCommand {
  static override summary = 'Run a registry on this machine, for trials and tests.'
  static override description =
    'An OCI registry in this process: in memory, or in a folder. It speaks plain HTTP and ends with Ctrl-C.'
  static override examples = [
    { description: 'A registry in memory, on a free port:', command: '<%= config.bin %> serve' },
    {
      description: 'One that keeps what is pushed, where other tools look for it:',
      command: '<%= config.bin %> serve ./registry --port 5000',
    },
  ]
  static override args = {
    dir: stringArg({
      description: 'The folder that keeps what is pushed; without it, memory does.',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    port: integer({
      char: 'p',
      summary: 'The port; 0 takes a free one.',
      default: 0,
      min: 0,
      max: 65_535,
      helpValue: 'PORT',
    }),
    host: string({ summary: 'The address to listen on.', default: '127.0.0.1', helpValue: 'ADDRESS' }),
    'allow-host': string({
      summary: 'A further name under which clients reach the registry.',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'NAME',
    }),
    htpasswd: string({
      summary:
        'Users, one user:password on a line (htpasswd -p or -s); without it everyone may do everything.',
      helpValue: 'FILE',
    }),
    profile: option({ options: ['oci-1.1', 'docker-registry-2.8', 'zot-2.1'] as const })({
      summary: 'Which registry it is like.',
      default: 'oci-1.1',
      hidden: true,
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Serve)
    const registry = await serveRegistry({
      folder: args.dir,
      host: flags.host,
      port: flags.port,
      profile: flags.profile,
      htpasswd: flags.htpasswd,
      allowedHosts: flags['allow-host'],
      onRequest: (line) => flags.verbose && this.say(escapeText(line)),
      warn: (text) => this.warn(text),
    })
    try {
      const warning = warnAboutExposure(registry, flags)
      if (warning !== undefined) this.warn(warning)
      this.finish(
        { registry: registry.registry, folder: args.dir ?? null },
        ({ style }) => `Registry ${style.bold(registry.registry)} is ready. Ctrl-C ends it.`,
      )
      if (!this.stop.aborted) await once(this.stop, 'abort')
      // Ctrl-C is the normal end.
      if (toDrayError(this.stop.reason).code !== 'interrupted') throw this.stop.reason
    } finally {
      await registry.close()
    }
  }
}
