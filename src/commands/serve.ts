import { once } from 'node:events'
import { string as stringArg } from '@oclif/core/args'
import { boolean, integer, option, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { warnAboutExposure, serveRegistry } from '../cli/registries/serve.ts'
import { type VendorKind, vendorKinds } from '../config/config.ts'
import { DrayError, toDrayError } from '../lib/errors.ts'
import { escapeText } from '../render/text/escape.ts'

export default class Serve extends BaseCommand {
  static override summary = 'Run a registry on this machine.'
  static override description = `dray runs an OCI registry for trials and tests, in memory or in a folder. It uses plain HTTP. Ctrl-C ends it.

With \`--vendor\`, it also answers the API of that vendor, with its limits and refusals, to rehearse a retention policy. The vendor's API knows when content was pushed and pulled while this registry runs; \`--pushed-ago\` sets the age of content that was there before.

By default, only programs on this machine can reach it, and each of them can read, write and delete. Use \`--htpasswd\` to require a password. A line of that file is user:password (htpasswd -p) or user:{SHA}… (htpasswd -s).`
  static override examples = [
    { description: 'Run a registry in memory on a free port', command: 'dray serve' },
    {
      description: 'Run a registry that stores its content in a folder',
      command: 'dray serve ./registry --port 5000',
    },
    {
      description: 'Rehearse a retention policy for Harbor with content that is 30 days old',
      command: 'dray serve ./registry --port 5000 --vendor harbor --pushed-ago 30d',
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
    'sparse-indexes': boolean({
      summary: 'Accept an index without some of its platforms.',
      helpGroup: flagGroups.safety,
    }),
    vendor: option({ options: vendorKinds })({
      summary: 'Vendor whose API it also imitates.',
      helpValue: 'NAME',
      helpGroup: flagGroups.connection,
    }),
    'pushed-ago': string({
      summary: 'Age of the content at the start, such as 30d.',
      helpValue: 'AGE',
      helpGroup: flagGroups.connection,
      dependsOn: ['vendor'],
    }),
    profile: option({ options: ['oci-1.1', 'docker-registry-2.8', 'zot-2.1'] as const })({
      summary: 'Registry to imitate.',
      helpValue: 'NAME',
      helpGroup: flagGroups.connection,
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
      vendor: flags.vendor,
      pushedAgo: flags['pushed-ago'],
      lockedTags: flags['locked-tag'],
      sparseIndexes: flags['sparse-indexes'],
      htpasswd: flags.htpasswd,
      allowedHosts: flags['allow-host'],
      // A log, which stderr has with every format.
      onRequest: (line) => flags.verbose && process.stderr.write(`${escapeText(line)}\n`),
      warn: (text) => this.warn(text),
    })
    try {
      const warning = warnAboutExposure(registry, flags)
      if (warning !== undefined) this.warn(warning)
      const { vendor } = flags
      const settings = vendor === undefined ? undefined : vendorSettings(registry.registry, vendor)
      this.finish(
        {
          registry: registry.registry,
          folder: args.dir ?? null,
          ...(settings !== undefined && { vendor, settings }),
        },
        ({ style }) =>
          [
            `Registry ${style.bold(registry.registry)} is ready. Ctrl-C ends it.`,
            ...(settings === undefined ? [] : ['Add to dray.yaml:', `  ${settings}`]),
          ].join('\n'),
      )
      if (!this.stop.aborted) await once(this.stop, 'abort')
      // Ctrl-C is the normal end.
      if (toDrayError(this.stop.reason).code !== 'interrupted') throw this.stop.reason
    } finally {
      await registry.close()
    }
  }
}

/** The setting of dray.yaml with which dray uses the API that the registry imitates. */
function vendorSettings(registry: string, vendor: VendorKind): string {
  return `registries: { "${registry}": { kind: ${vendor}, api: "http://${registry}" } }`
}

/** Refuses `dray serve 5000`, which would create a folder of that name. @throws `usage`. */
function checkFolder(folder: string | undefined, port: number): void {
  if (folder === undefined || port !== 0 || !/^\d+$/.test(folder)) return
  throw new DrayError('usage', `${folder} is the name of a folder, not a port`, {
    hint: `Run "dray serve --port ${folder}". To use the folder, write ./${folder}.`,
  })
}
