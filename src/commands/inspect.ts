import { string as stringArg } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { resolveImageToInspect, type InspectRequest } from '../cli/arguments/image-requests.ts'
import { asUsage } from '../lib/as-usage.ts'
import { parsePlatformName } from '../oci/platform.ts'
import { formatRepository, type RepositoryName } from '../oci/reference.ts'
import { renderImage } from '../render/views/inspect.ts'

export default class Inspect extends BaseCommand {
  static override summary = 'Show one image: its tags, platforms, content, labels and evidence.'
  static override description =
    'Of an image for several platforms, each of them with its size; of one, or with --platform, layers and config too. Signatures, SBOMs and attestations are looked for on the image and on every manifest in it. Tags that point at it are looked for where the repository has at most 100 tags, else with --tags. Of an environment with several targets, the first one is looked at.'
  static override examples = [
    { description: 'An image of an environment:', command: '<%= config.bin %> inspect @staging/api:1.4.2' },
    {
      description: 'What runs on one platform, with layers and config:',
      command: '<%= config.bin %> inspect @staging/api:1.4.2 --platform linux/arm64',
    },
    {
      description: 'By digest, with all tags that point at it:',
      command: '<%= config.bin %> inspect registry.example.com/team/api@sha256:… --tags',
    },
    {
      description: 'The manifest as it is, byte for byte:',
      command: '<%= config.bin %> inspect @staging/api:1.4.2 --raw | sha256sum',
    },
    { description: 'In an image layout on disk:', command: '<%= config.bin %> inspect oci:./dir:1.4.2' },
    {
      description: 'The digest alone, for a script:',
      command: '<%= config.bin %> inspect @staging/api:1.4.2 --no-tags --json | jq -r .result.image.digest',
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
    platform: string({
      summary: 'Look at the one manifest for it, such as linux/arm64 or linux/arm/v7.',
      helpValue: 'PLATFORM',
    }),
    tags: boolean({
      allowNo: true,
      summary: 'Look for the tags that point at it, which asks for every tag of the repository; or do not.',
    }),
    raw: boolean({
      summary: 'Print the bytes of the manifest or index as they are, and nothing else.',
      exclusive: ['json', 'tags'],
    }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Inspect)
    const text = flags.platform
    const platform = text === undefined ? undefined : asUsage(() => parsePlatformName(text))
    const { config } = await this.context.config()
    const request = resolveImageToInspect(args.image, config)
    const { at } = request
    const repository = await this.#choose(request)
    const { length } = request.repositories
    if (length > 1) this.say(`Of ${length} targets: ${formatRepository(repository)}`)
    const { inspectImage, readRawManifest } = await import('../usecases/views/inspect/inspect.ts')
    const stores = await this.context.stores()
    const store = stores.source(repository)
    if (flags.raw) {
      await this.pour(readRawManifest(store, at, platform, this.call))
      return
    }
    const tags = flags.tags === undefined ? 'few' : flags.tags ? 'all' : 'none'
    const options = { tags, ...(platform !== undefined && { platform }) } as const
    const view = await inspectImage(store, at, options, this.call)
    this.finish(view, (page) => renderImage(view, this.context.clock.now(), page))
  }

  /**
   * The first target; of an image in several environments, the first target that has the image.
   * @throws `not-found` if none has it.
   */
  async #choose({ repositories, at, isInSeveral }: InspectRequest): Promise<RepositoryName> {
    const [first] = repositories
    await this.context.expectRepositories([], isInSeveral ? repositories : [first], 'read')
    if (!isInSeveral) return first
    const stores = await this.context.stores()
    for (const repository of repositories) {
      const found = await stores.source(repository).resolve(at, this.call)
      if (found !== undefined) return repository
    }
    const { imageInNoEnvironment } = await import('../usecases/views/image-in-no-environment.ts')
    throw imageInNoEnvironment(repositories)
  }
}
