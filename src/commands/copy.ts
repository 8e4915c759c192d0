import { string as stringArg } from '@oclif/core/args'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { changeFlags, metricsFlag, outFlag } from '../cli/command/change-flags.ts'
import { planPromotion, promotionFlags } from '../cli/changes/promotion.ts'

export default class Copy extends ChangeCommand {
  static override summary = 'Copy an image or artifact between any two references.'
  static override description = `dray also copies the attached artifacts (signatures, SBOMs, attestations).

Version tags and immutable tags do not move to another image, unless you pass \`--move-tag\`. The rules for promotions in dray.yaml (promoteFrom, tags.semver, attest) do not apply to copies. Use \`dray promote\` to follow them. The gates of the destination and residency do apply.

dray shows the plan and asks for confirmation. \`--dry-run\` and \`--out\` change nothing.`
  static override examples = [
    {
      description: 'Copy an image from one registry to another',
      command: `dray copy docker.io/library/alpine:3.22 \\
    registry.example.com/base/alpine:3.22`,
    },
    {
      description: 'Copy an image to an OCI image layout on disk',
      command: 'dray copy @prod/api:1.4.2 oci:./api:1.4.2',
    },
    {
      description: 'Copy it from there to a registry without internet access',
      command: 'dray copy oci:./api:1.4.2 registry.example.com/prod/api:1.4.2',
    },
  ]
  static override args = {
    source: stringArg({
      description: 'Reference, @ENV/IMAGE:TAG or oci:DIR:TAG.',
      required: true,
      ignoreStdin: true,
    }),
    destination: stringArg({
      description: 'The same forms; the default tag is that of SOURCE.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = { ...changeFlags, ...metricsFlag, ...outFlag, ...promotionFlags }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Copy)
    const references = [args.source, args.destination]
    const change = await planPromotion('copy', references, flags, this.context, this.reading)
    await this.carryOut('copy', change, flags)
  }
}
