import { string as stringArg } from '@oclif/core/args'
import { ChangeCommand } from '../cli/changes/change-command.ts'
import { changeFlags, outFlag } from '../cli/command/change-flags.ts'
import { planPromotion, promotionFlags } from '../cli/changes/promotion.ts'

export default class Copy extends ChangeCommand {
  static override summary = 'Copy one image or artifact with its evidence from any address to any other.'
  static override description =
    'Between registries, within one, and from and to an OCI image layout on disk. The rules of environments (promoteFrom) do not count here; those of tags do.'
  static override examples = [
    {
      description: 'From one registry to another:',
      command: '<%= config.bin %> copy docker.io/library/alpine:3.22 registry.example.com/base/alpine:3.22',
    },
    {
      description: 'To a folder, and from there to a registry that no network reaches:',
      command: '<%= config.bin %> copy @prod/api:1.4.2 oci:./api:1.4.2',
    },
    {
      description: 'And back:',
      command: '<%= config.bin %> copy oci:./api:1.4.2 registry.example.com/prod/api:1.4.2',
    },
  ]
  static override args = {
    source: stringArg({
      description: 'What to copy: a reference, @ENV/IMAGE:TAG, or oci:DIR:TAG.',
      required: true,
      ignoreStdin: true,
    }),
    destination: stringArg({
      description: 'Where to: the same, or a repository alone, which then gets the tag of the source.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = { ...promotionFlags, ...outFlag, ...changeFlags }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Copy)
    const references = [args.source, args.destination]
    const change = await planPromotion('copy', references, flags, this.context, this.reading)
    await this.carryOut('copy', change, flags)
  }
}
