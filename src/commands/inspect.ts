import { string as stringArg } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import { BaseCommand } from '../cli/base-command.ts'
import { locate } from '../cli/locate.ts'
import { formatRepository } from '../oci/reference.ts'
import { renderImage } from '../render/inspect.ts'

export default class Inspect extends BaseCommand {
  static override summary = 'Show one image: its platforms, labels and evidence.'
  static override description =
    'Signatures, SBOMs and attestations are looked for on the image and on every manifest in it. Of an environment with several targets, the first one is looked at.'
  static override examples = [
    { description: 'An image of an environment:', command: '<%= config.bin %> inspect @staging/api:1.4.2' },
    {
      description: 'By digest, with all tags that point at it:',
      command: '<%= config.bin %> inspect registry.example.com/team/api@sha256:… --tags',
    },
    { description: 'In an image layout on disk:', command: '<%= config.bin %> inspect oci:./dir:1.4.2' },
    {
      description: 'The digest alone, for a script:',
      command: '<%= config.bin %> inspect @staging/api:1.4.2 --json | jq -r .result.image.digest',
    },
  ]
  static override args = {
    image: stringArg({
      description: 'An image: a reference, @ENV/IMAGE:TAG, or oci:DIR:TAG.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    tags: boolean({ summary: 'Show all tags that point at it; this asks for every tag of the repository.' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Inspect)
    const { config } = await this.context.config()
    const { repositories, at } = locate(args.image, config)
    const [repository, ...others] = repositories
    if (others.length > 0) this.say(`Of ${repositories.length} targets: ${formatRepository(repository)}`)
    const { inspectImage } = await import('../look/inspect.ts')
    const stores = await this.context.stores()
    await this.context.expectRepositories([], [repository], 'read')
    const view = await inspectImage(stores.source(repository), at, { tags: flags.tags }, this.call)
    this.finish(view, (page) => renderImage(view, page))
  }
}
