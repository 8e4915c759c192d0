import { string as stringArg } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { BaseCommand } from '../cli/command/base-command.ts'
import { flagGroups } from '../cli/help/flag-groups.ts'
import { exitCodes } from '../cli/command/exit-codes.ts'
import { outputFlag } from '../cli/command/global-flags.ts'
import { resolveImageToInspect, type InspectRequest } from '../cli/arguments/image-requests.ts'
import { isDocument, type OutputFormat } from '../cli/output/formats.ts'
import { asUsage } from '../lib/as-usage.ts'
import { DrayError } from '../lib/errors.ts'
import { parsePlatformName } from '../oci/platform.ts'
import { formatAt, formatRepository, type RepositoryName } from '../oci/reference.ts'
import type { Page } from '../render/text/style.ts'
import { renderImage } from '../render/views/inspect.ts'
import type { ImageView } from '../usecases/views/inspect/inspect.ts'

export default class Inspect extends BaseCommand {
  static override summary = 'Show one image with its tags, platforms and labels.'
  static override description = `For a multi-platform image, dray shows each platform with its size. For an image of one platform, or with \`--platform\`, it also shows the layers and the configuration.

dray lists the attached artifacts (signatures, SBOMs, attestations) of the image and of every manifest in it.

dray lists the other tags of the image if the repository has at most 100 tags. With \`--tags\`, it reads every tag of the repository, which takes one request per tag.

If an environment has several targets, dray reads the image at the first one.`
  static override examples = [
    { description: 'Show an image of an environment', command: 'dray inspect @staging/api:1.4.2' },
    {
      description: 'Show one platform with its layers and configuration',
      command: 'dray inspect @staging/api:1.4.2 --platform linux/arm64',
    },
    {
      description: 'Show an image by its digest, with all its tags',
      command: 'dray inspect "registry.example.com/team/api@$DIGEST" --tags',
    },
    {
      description: 'Compute the digest from the bytes of the manifest',
      command: 'dray inspect @staging/api:1.4.2 --raw | sha256sum',
    },
    {
      description: 'Show an image in an OCI image layout on disk',
      command: 'dray inspect oci:./dir:1.4.2',
    },
    {
      description: 'Print only the digest',
      command: `dray inspect @staging/api:1.4.2 --no-tags --json \\
    | jq -r .result.image.digest`,
    },
  ]
  static override args = {
    image: stringArg({
      description: 'Reference, @ENV/IMAGE:TAG or oci:DIR:TAG.',
      required: true,
      ignoreStdin: true,
    }),
  }
  static override flags = {
    ...outputFlag('name', 'digest'),
    platform: string({
      summary: 'Show only this platform, such as linux/arm64.',
      helpValue: 'PLATFORM',
      helpGroup: flagGroups.target,
    }),
    tags: boolean({
      allowNo: true,
      summary: 'Find the other tags of the image.',
      helpGroup: flagGroups.output,
    }),
    raw: boolean({
      summary: 'Print only the bytes of the manifest or index.',
      helpGroup: flagGroups.output,
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
    if (length > 1) this.say(`Using ${formatRepository(repository)}, one of ${length} targets.`)
    const { inspectImage, readRawManifest } = await import('../usecases/views/inspect/inspect.ts')
    const stores = await this.context.stores()
    const store = stores.source(repository)
    const reading = request.readingOf(repository)
    const options = { reading, ...(platform !== undefined && { platform }) }
    if (flags.raw) {
      if (this.format !== 'text') throw rawInFormat(this.format)
      await this.pour(readRawManifest(store, at, options, this.call))
      return
    }
    // Names and digests need one request. An image that does not exist is explained below.
    if (this.format !== 'text' && !isDocument(this.format) && platform === undefined) {
      const image = await store.resolve(at, this.call)
      if (image !== undefined) return this.#finish({ repository, image }, () => '')
    }
    const tags = flags.tags === undefined ? 'few' : flags.tags ? 'all' : 'none'
    const view = await inspectImage(store, at, { ...options, tags }, this.call)
    this.#finish(view, (page) => renderImage(view, this.context.clock.now(), page))
  }

  #finish(view: Pick<ImageView, 'repository' | 'image'>, text: (page: Page) => string): void {
    const { digest } = view.image
    this.finish(view, text, exitCodes.done, {
      names: () => [formatAt(view.repository, { digest })],
      digests: () => [digest],
    })
  }

  /**
   * The first target; of an image in several environments, the first target that has the image.
   * @throws `not-found` if none has it.
   */
  async #choose({ repositories, at, isInSeveral, readingOf }: InspectRequest): Promise<RepositoryName> {
    const [first] = repositories
    await this.context.expectRepositories([], isInSeveral ? repositories : [first], 'read')
    if (!isInSeveral) return first
    const stores = await this.context.stores()
    for (const repository of repositories) {
      const found = await stores.source(repository).resolve(at, this.call)
      if (found !== undefined) return repository
    }
    const [{ imageInNoEnvironment }, { suggestInRepositories }] = await Promise.all([
      import('../usecases/views/image-in-no-environment.ts'),
      import('../usecases/views/suggest-in-repositories.ts'),
    ])
    const hint =
      'tag' in at
        ? await suggestInRepositories(
            stores,
            repositories,
            { tag: at.tag, reading: readingOf(first) },
            this.call,
          )
        : undefined
    throw imageInNoEnvironment(repositories, hint)
  }
}

function rawInFormat(format: OutputFormat): DrayError {
  return new DrayError('usage', `--raw prints the bytes of the manifest, and -o ${format} another format`, {
    hint: 'Omit one of them.',
  })
}
