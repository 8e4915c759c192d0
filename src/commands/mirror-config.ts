import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import type { MirrorFormat } from '../cli/mirrors/mirror-files.ts'
import { escapeText } from '../render/text/escape.ts'

export default class MirrorConfig extends BaseCommand {
  static override summary = 'Write mirror files for container runtimes.'
  static override description = `The files make container runtimes pull from the destinations of sync rules. Runtimes ask the source if a mirror lacks an image. dray sends no request: the same dray.yaml gives the same files.

- containerd: \`certs.d/HOST/hosts.toml\` for each source host. containerd keeps the path of an image, so the destination must end with the whole path of the source, and all rules of a host need the same mapping.
- registries.conf: one file for CRI-O, podman and skopeo.

RULE is the name of a rule in the section \`sync\` of dray.yaml. Without RULE, dray uses all rules that copy from a registry to a registry.`
  static override examples = [
    {
      description: 'Print the file of containerd',
      command: 'dray mirror-config hub --format containerd',
    },
    {
      description: 'Write the files of containerd below /etc/containerd/certs.d',
      command: 'dray mirror-config --format containerd --out /etc/containerd',
    },
    {
      description: 'Never ask the source',
      command: 'dray mirror-config hub --format registries.conf --no-fallback',
    },
  ]
  static override strict = false
  static override usage = ['mirror-config [RULE...] --format containerd|registries.conf']
  static override flags = {
    format: string({
      summary: 'Container runtime format.',
      options: ['containerd', 'registries.conf'],
      required: true,
      helpGroup: flagGroups.output,
    }),
    out: string({
      summary: 'Folder for the files. Without it, dray prints them.',
      helpValue: 'DIR',
      helpGroup: flagGroups.output,
    }),
    fallback: boolean({
      summary: 'Ask the source if a mirror lacks an image.',
      default: true,
      allowNo: true,
      helpGroup: flagGroups.target,
    }),
    'digest-only': boolean({
      summary: 'Use mirrors only for references by digest.',
      helpGroup: flagGroups.target,
    }),
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(MirrorConfig)
    const { createMirrorFiles, writeMirrorFiles } = await import('../cli/mirrors/mirror-files.ts')
    const { files, warnings } = createMirrorFiles(await this.context.config(), {
      rules: argv as string[],
      format: flags.format as MirrorFormat,
      noFallback: !flags.fallback,
      digestOnly: flags['digest-only'],
    })
    for (const warning of warnings) this.warn(warning)
    const { out } = flags
    if (out === undefined)
      return this.finish({ files }, () =>
        files
          .map(({ path, content }) => (files.length === 1 ? content : `# ${path}\n${content}`))
          .join('\n')
          .trimEnd(),
      )
    await writeMirrorFiles(files, out)
    this.finish({ folder: out, files }, () =>
      files.map(({ path }) => `Wrote ${escapeText(`${out}/${path}`)}.`).join('\n'),
    )
  }
}
