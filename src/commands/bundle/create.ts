import { string as stringArg } from '@oclif/core/args'
import { createFlags } from '../../cli/bundle/create/create-flags.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { DrayError } from '../../lib/errors.ts'
import { renderBundle } from '../../render/bundle/bundle.ts'

export default class BundleCreate extends BaseCommand {
  static override summary = 'Pack images into a file for a network without access.'
  static override description = `dray writes the images, with their attached artifacts, to a tar file. The file is also an OCI image layout, which skopeo and oras can read. \`dray bundle apply\` writes its images to a registry. FILE \`-\` writes to a pipe.

- RULE is a sync rule of dray.yaml: dray packs what the rule selects. Any other name is an image.
- \`--since\` omits content that the destination has. Name the receipt of the last bundle; if no receipt comes back, name the last bundle itself, and dray assumes that it arrived.
- \`--need\` packs content that is missing at the destination. \`dray bundle apply\` writes this list.

The bytes depend on the images and their sources only. If SOURCE_DATE_EPOCH is set, they also depend on it. The signature of \`--sign\` covers all of them. Residency in dray.yaml applies as to a layout at the path of FILE. dray changes no registry, and therefore writes no audit record.`
  static override examples = [
    {
      description: 'Pack two images, and sign the bundle',
      command: `dray bundle create base.tar --sign-key key.pem \\
    docker.io/library/alpine:3.22 @prod/api:1.4.2`,
    },
    {
      description: 'Pack only what is new since the bundle that was applied',
      command: 'dray bundle create next.tar @prod/api:1.5.0 --since receipt.json',
    },
    {
      description: 'Write to a pipe',
      command: 'dray bundle create - @prod/api:1.4.2 | gzip > base.tar.gz',
    },
  ]
  static override strict = false
  static override usage = ['bundle create FILE [RULE...|IMAGE...]']
  static override args = {
    file: stringArg({
      description: 'File to write, or - for stdout.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = createFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BundleCreate)
    const [file = '', ...names] = argv as string[]
    if (file === '-' && process.stdout.isTTY) {
      throw new DrayError('usage', 'dray does not write a bundle to a terminal', {
        hint: 'Name a file, or pipe the output to another program.',
      })
    }
    if (file === '-' && this.format !== 'text') {
      throw new DrayError('usage', 'the bundle and the JSON document cannot both go to stdout', {
        hint: 'Write the bundle to a file, or omit --json.',
      })
    }
    const { createBundle } = await import('../../cli/bundle/create/create-bundle.ts')
    const bundle = await createBundle(file, names, flags, {
      context: this.context,
      call: this.call,
      expectBytes: (bytes) => this.expectBytes(bytes),
      pour: async (chunks) => await this.pour(chunks),
    })
    if (file === '-') this.say(renderBundle(bundle, 'is complete', this.errorPage))
    else this.finish(bundle, (page) => renderBundle(bundle, 'is complete', page))
  }
}
