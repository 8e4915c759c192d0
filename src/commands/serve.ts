import { once } from 'node:events'
import { string as stringArg } from '@oclif/core/args'
import { integer, option, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { warnAboutExposure, serveRegistry } from '../cli/registries/serve.ts'
import { DrayError, toDrayError } from '../lib/errors.ts'
import { escapeText } from '../render/text/escape.ts'

export default class Serve extends BaseCommand {
  static override summary = 'Run a registry on this machine.'
  static override description = `dray runs an OCI registry for trials and tests, in memory or in a folder. It uses plain HTTP. Ctrl-C ends it.

By default, only programs on this machine can reach it, and each of them can read, write and delete. Use \`--htpasswd\` to require a password. A line of that file is user:password (htpasswd -p) or user:{SHA}… (htpasswd -s).`
  static override examples = [
    { description: 'Run a registry in memory on a free port', command: 'dray serve' },
    {
      description: 'Run a registry that stores its content in a folder',
      command: 'dray serve ./registry --port 5000',
    },
  ]
  static override args = {
    dir: stringArg({
      description: 'Folder for the content (default: memory).',
      ignoreStdin: true,
    }),
  }
  static override flags = {
    port: integer({
      char: 'p',
      summary: 'Port to listen on; 0 is a free port.',
      helpGroup: flagGroups.connection,
      default: 0,
      min: 0,
      max: 65_535,
      helpValue: 'PORT',
    }),
    host: string({
      summary: 'Address to listen on.',
      default: '127.0.0.1',
      helpValue: 'ADDRESS',
      helpGroup: flagGroups.connection,
    }),
    'allow-host': string({
      summary: 'Another host name that clients may use.',
      helpGroup: flagGroups.connection,
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'NAME',
    }),
    htpasswd: string({
      summary: 'File with users and passwords.',
      helpGroup: flagGroups.safety,
      helpValue: 'FILE',
    }),
    'locked-tag': string({
      summary: 'Refuse to delete this tag and its image.',
      helpGroup: flagGroups.safety,
      multiple: true,
      multipleNonGreedy: true,
      default: [],
      helpValue: 'TAG',
    }),
    profile: option({ options: ['oci-1.1', 'docker-registry-2.8', 'zot-2.1'] as const })({
      summary: 'Registry to imitate.',
      helpValue: 'NAME',
      helpGroup: flagGroups.connection,
      default: 'oci-1.1',
      hidden: true,
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Serve)
    checkFolder(args.dir, flags.port)
    const registry = await serveRegistry({
      folder: args.dir,
      host: flags.host,
      port: flags.port,
      profile: flags.profile,
      lockedTags: flags['locked-tag'],
      htpasswd: flags.htpasswd,
      allowedHosts: flags['allow-host'],
      // A log, which stderr has with every format.
      onRequest: (line) => flags.verbose && process.stderr.write(`${escapeText(line)}\n`),
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

/** Refuses `dray serve 5000`, which would create a folder of that name. @throws `usage`. */
function checkFolder(folder: string | undefined, port: number): void {
  if (folder === undefined || port !== 0 || !/^\d+$/.test(folder)) return
  throw new DrayError('usage', `${folder} is the name of a folder, not a port`, {
    hint: `Run "dray serve --port ${folder}". To use the folder, write ./${folder}.`,
  })
}
