import { dirname } from 'node:path'
import type { LoadedConfig } from '../../config/parse.ts'
import type { Call } from '../../lib/call.ts'
import { formatRepository, type RepositoryName } from '../../oci/reference.ts'
import { abortable } from '../../registry/http/transport/abortable.ts'
import type { Context } from '../wiring/context.ts'
import type { CompletionSources, ConfiguredNames } from './completion.ts'
import { TagCache } from './tag-cache.ts'

/** A name in several environments is completed from the first of them. */
const maxRepositories = 4

const noNames: ConfiguredNames = {
  environments: [],
  images: [],
  policies: [],
  syncRules: [],
  hosts: [],
  repositories: [],
  variants: [],
  gates: [],
}

interface SourceOptions {
  /** starts the time limit of the reading of tags, and ends it by the signal */
  readonly limit: () => AbortSignal
  /** this process reads the lists that another one expects */
  readonly isBackground: boolean
}

/**
 * Reads names from `dray.yaml`, and tags from the cache of completion or from registries. A failure
 * is an empty list: nothing can be reported while a person types.
 */
export class RealSources implements CompletionSources {
  readonly #context: Context
  readonly #options: SourceOptions
  #isLate = false

  constructor(context: Context, options: SourceOptions) {
    this.#context = context
    this.#options = options
  }

  /** Whether a registry did not answer in time. */
  get isLate(): boolean {
    return this.#isLate
  }

  async names(): Promise<ConfiguredNames> {
    try {
      return await namesIn(await this.#context.config())
    } catch {
      return noNames
    }
  }

  async tags(image: string, environments: readonly string[]): Promise<readonly string[]> {
    try {
      const { config } = await this.#context.config()
      const { resolveImage } = await import('../../config/resolver/resolve.ts')
      const within = { environments }
      const { repositories, environment } = resolveImage(image, { accepts: ['image'], within }, config)
      const [cache, { sortBySemver }, { readingAt }] = await Promise.all([
        this.#openCache(),
        import('../../semver/order.ts'),
        import('../../config/settings/version-reading.ts'),
      ])
      const signal = this.#options.limit()
      const lists = repositories.slice(0, maxRepositories).map((one) => this.#tagsOf(one, cache, signal))
      const reading = readingAt(config, repositories[0], environment)
      return sortBySemver(new Set((await Promise.all(lists)).flat()), reading)
    } catch {
      return []
    }
  }

  async #tagsOf(
    repository: RepositoryName,
    cache: TagCache | undefined,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { isBackground } = this.#options
    const key = formatRepository(repository)
    const known = await cache?.get(key)
    if (known === 'expected' && !isBackground) return []
    if (known !== undefined && known !== 'expected') return known
    try {
      // Nothing waits for a reading that begins after the time limit.
      signal.throwIfAborted()
      const tags = await abortable(this.#read(repository, signal), signal)
      // A repository without tags gets some at the next push.
      if (tags.length > 0) await cache?.put(key, tags)
      else await cache?.expect(key)
      return tags
    } catch {
      if (signal.aborted && !isBackground) {
        this.#isLate = true
        await cache?.expect(key)
      }
      return []
    }
  }

  async #read(repository: RepositoryName, signal: AbortSignal): Promise<readonly string[]> {
    const [stores, { listTags }, { isEvidenceTag }] = await Promise.all([
      this.#context.stores(),
      import('../../images/tags/tags.ts'),
      import('../../oci/evidence-tags.ts'),
    ])
    const call: Call = { signal, notify: () => undefined }
    return (await listTags(stores.source(repository), call)).filter((tag) => !isEvidenceTag(tag))
  }

  /** Undefined if the user has no private cache folder. */
  async #openCache(): Promise<TagCache | undefined> {
    const { findPrivateFolder } = await import('../wiring/private-folders.ts')
    try {
      const folder = findPrivateFolder('cache', ['completion'], this.#context.env, { create: true })
      return new TagCache(dirname(folder), this.#context.clock)
    } catch {
      return undefined
    }
  }
}

async function namesIn({ config, retention, sync }: LoadedConfig): Promise<ConfiguredNames> {
  const [{ repositoriesOf }, { listPolicies }] = await Promise.all([
    import('../../config/environments.ts'),
    import('../../config/schema/schema-retention.ts'),
  ])
  const environments = [...config.environments.keys()]
  const images = [...(config.images?.keys() ?? [])]
  const targets = [...config.environments.values()].flatMap((one) => one.targets)
  const repositories = environments.flatMap((name) =>
    images.flatMap((image) => repositoriesOf(config, name, image).map(formatRepository)),
  )
  const gates = [...config.environments.values()].flatMap((one) => one.gates ?? [])
  const readings = [...config.environments.values(), ...(config.images?.values() ?? [])]
  const variants = readings.flatMap(({ tags }) => tags?.variants ?? [])
  return {
    environments,
    images,
    policies: retention === undefined ? [] : listPolicies(retention).flatMap(([name]) => name ?? []),
    syncRules: sync?.map(({ name }) => name) ?? [],
    hosts: [...new Set([...config.registries.keys(), ...targets.map(({ registry }) => registry)])],
    repositories: [...new Set(repositories)],
    variants: [...new Set(variants)].filter((glob) => !/[*?]/.test(glob)),
    gates: [...new Set(gates.filter((gate) => gate.override === 'allowed').map(({ name }) => name))],
  }
}
