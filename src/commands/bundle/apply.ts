import { string as stringArg } from '@oclif/core/args'
import { applyFlags } from '../../cli/bundle/apply/apply-flags.ts'
import { ChangeCommand } from '../../cli/changes/change-command.ts'

export default class BundleApply extends ChangeCommand {
  static override summary = 'Write the images of a bundle to a registry.'
  static override description = `dray first verifies the whole bundle: the tar, the document, its signature and the digest of all content. Nothing of a damaged bundle is written. FILE \`-\` reads from a pipe, which requires \`--yes\`; dray stores its content in a temporary file.

- \`--to\` is the place of the images: HOST/PATH, an environment (\`@prod\`) or a folder of image layouts (\`oci:DIR\`). The gates, residency and tag rules of the environment apply.
- An increment follows the bundle that it was made for. dray keeps the last receipt of each destination. Pass \`--base\` on another machine.
- If the destination lacks content that the bundle expects, dray writes only a list of it (\`--need\`) and exits with 3. \`dray bundle create --need\` packs the missing content.
- dray refuses a tag that is not where the last bundle put it, unless you pass \`--overwrite-changed\`.

dray skips content and tags that are already up to date, so a run that was interrupted can be repeated. After everything succeeded, dray writes a receipt, for \`dray bundle create --since\`.`
  static override examples = [
    {
      description: 'Show the plan, ask for confirmation, and write the images',
      command: 'dray bundle apply base.tar --to mirror.internal/hub',
    },
    {
      description: 'Apply a signed bundle from a pipe',
      command: `dray bundle create - hub --sign | dray bundle apply - --yes \\
    --to mirror.internal/hub --key bundles.pub.pem --receipt hub.json`,
    },
  ]
  static override args = {
    file: stringArg({ description: 'Bundle to apply, or - for stdin.', required: true, ignoreStdin: true }),
  }
  static override flags = applyFlags

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleApply)
    const { applyBundle } = await import('../../cli/bundle/apply/apply-bundle.ts')
    await applyBundle(args.file, flags, this.portsFor(flags))
  }
}
