import { string as stringArg } from '@oclif/core/args'
import { bundleKeyFlag } from '../../cli/bundle/bundle-key-flag.ts'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { renderBundle } from '../../render/bundle/bundle.ts'
import { formatBytes } from '../../render/text/format.ts'

export default class BundleVerify extends BaseCommand {
  static override summary = 'Verify a bundle without a registry.'
  static override description = `dray reads the whole file once and checks the tar, the document of the bundle, and the digest of all content. It sends no request. FILE \`-\` reads from a pipe.

- With \`--key\`, the bundle must be signed with one of these keys.
- Without \`--key\`, dray uses the signers and audit.sign.key in dray.yaml. If there are none, it does not verify the signature, and says that.

dray exits with 1 if the file is damaged or is no bundle, and with 3 if the signature is not valid or the tar has content that the bundle does not announce.`
  static override examples = [
    { description: 'Verify a bundle', command: 'dray bundle verify base.tar' },
    {
      description: 'Verify a bundle only if it is signed with this key',
      command: 'dray bundle verify base.tar --key bundles.pub.pem',
    },
  ]
  static override args = {
    file: stringArg({ description: 'Bundle to read, or - for stdin.', required: true, ignoreStdin: true }),
  }
  static override flags = bundleKeyFlag

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BundleVerify)
    const { verifyBundle } = await import('../../cli/bundle/verify-bundle.ts')
    const bundle = await verifyBundle(
      args.file,
      {
        keyFiles: flags.key ?? [],
        onProgress: (done, all) => this.report(`Verifying: ${formatBytes(done)} of ${formatBytes(all)}`),
      },
      this.context,
      this.call,
    )
    this.finish(bundle, (page) => renderBundle(bundle, 'is intact', page))
    if (bundle.signature === 'signed') {
      this.warn('the signature was not verified, because no key is known; pass the public key with --key')
    }
  }
}
