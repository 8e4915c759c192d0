import type { Call } from '../../lib/call.ts'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { RegistryNames } from '../../config/registry-names.ts'
import type { InUseSources, Protection } from '../../config/retention/policy.ts'
import type { ImageSource } from '../../inuse/sources.ts'
import { defaultTag, formatAt, type RepositoryName } from '../../oci/reference.ts'
import type { InUseSource as PlannedSource } from '../../plan/prune/prune-plan.ts'
import type { ReferenceInUse } from '../../usecases/prune/policy/policy.ts'
import type { Context } from '../wiring/context.ts'
import type { KnownRepositories } from './known-repositories.ts'

/** The name of what `--in-use` says, among the protections. */
const listName = '--in-use'

/** An image that something runs, with the reference to it. */
interface Use {
  readonly repository: RepositoryName
  /** the same for all names of the repository */
  readonly identity: string
  readonly image: ReferenceInUse
}

/** All that something runs, by what says so. */
export class ImagesInUse {
  readonly sources: readonly PlannedSource[]
  readonly #names: RegistryNames
  readonly #ignored: ReadonlySet<string>
  readonly #uses: readonly Use[]
  readonly #byIdentity: ReadonlyMap<string, readonly Use[]>
  readonly #byPath: ReadonlyMap<string, readonly Use[]>

  /** @param ignoredHosts hosts that are not warned about */
  constructor(
    sources: readonly PlannedSource[],
    images: readonly (ReferenceInUse & { readonly repository: RepositoryName })[],
    names: RegistryNames,
    ignoredHosts: readonly string[],
  ) {
    this.sources = sources
    this.#names = names
    this.#ignored = new Set(ignoredHosts.map((host) => names.endpoint(host)))
    this.#uses = images.map(({ repository: { registry, path }, ...image }) => {
      const repository = { registry: names.canonical(registry), path }
      return { repository, identity: names.identity(repository), image }
    })
    this.#byIdentity = Map.groupBy(this.#uses, ({ identity }) => identity)
    this.#byPath = Map.groupBy(this.#uses, ({ identity }) => pathIn(identity))
  }

  /**
   * Those of a repository, under any of its names: of lists, and of the protections that are named; of all protections if none are. After
   * them come those whose host alone differs: that host may serve the same repositories though dray.yaml does not say so.
   */
  in(
    repository: RepositoryName,
    known: KnownRepositories,
    protections?: ReadonlySet<string>,
  ): readonly ReferenceInUse[] {
    const identity = this.#names.identity(repository)
    const own = (this.#byIdentity.get(identity) ?? []).map(({ image }) => image)
    const others = (this.#byPath.get(pathIn(identity)) ?? []).flatMap((use) =>
      use.identity === identity || known.has(use.repository) ? [] : [this.#atOtherHost(use)],
    )
    return [...own, ...others].filter(
      ({ protection }) => protections === undefined || protection === listName || protections.has(protection),
    )
  }

  /**
   * References to no repository that dray knows of, each once, and without those that keep an image although dray does not know them.
   * @param kept whole references that keep an image though their host is another one
   */
  unknown(known: KnownRepositories, kept: ReadonlySet<string>): readonly string[] {
    const unknown = this.#uses.flatMap((use) => {
      const isIgnored = this.#ignored.has(this.#names.endpoint(use.repository.registry))
      return isIgnored || known.has(use.repository) ? [] : [formatUse(use)]
    })
    return [...new Set(unknown)].filter((reference) => !kept.has(reference))
  }

  #atOtherHost(use: Use): ReferenceInUse {
    const { registry } = use.repository
    const isIgnored = this.#ignored.has(this.#names.endpoint(registry))
    return { ...use.image, otherHost: { registry, reference: formatUse(use), isIgnored } }
  }
}

function formatUse({ repository, image }: Use): string {
  return formatAt(repository, image.at)
}

function pathIn(identity: string): string {
  return identity.slice(identity.indexOf('/') + 1)
}

/** Asks what runs: the protections by use of a policy, and lists that were given by hand. */
export class InUseReader {
  readonly #protections: readonly Protection[]
  readonly #lists: readonly ImageSource[]
  readonly #context: Context

  /** @param lists files, or `-` for standard input, which is read once however often it is asked for */
  constructor(protections: readonly Protection[], lists: readonly string[], context: Context) {
    this.#protections = protections
    this.#lists = lists.map((list) => ({ kind: 'list', ...listInput(list, context) }))
    this.#context = context
  }

  /** @throws what the sources throw: what cannot be read, or is empty where it should not be, is never taken for nothing. */
  async read(call: Call): Promise<ImagesInUse> {
    const asked = [
      ...this.#protections.flatMap((one) =>
        one.kind === 'inUse' ? [{ name: one.name, sources: sourcesOf(one.inUse) }] : [],
      ),
      ...(this.#lists.length > 0 ? [{ name: listName, sources: this.#lists }] : []),
    ]
    const names = new RegistryNames((await this.#context.config()).config.registries)
    const ignored = this.#protections.flatMap((one) =>
      one.kind === 'inUse' ? (one.inUse.ignoreHosts ?? []) : [],
    )
    if (asked.length === 0) return new ImagesInUse([], [], names, ignored)
    const { listImagesInUse: imagesInUse } = await import('../../inuse/sources.ts')
    const ports = { env: this.#context.env, clock: this.#context.clock }
    const told: PlannedSource[] = []
    const used: (ReferenceInUse & { readonly repository: RepositoryName })[] = []
    for (const { name, sources } of asked) {
      const found = await imagesInUse(sources, ports, call)
      told.push(...found.sources)
      for (const { reference, by } of found.images) {
        const { registry, path, tag, digest } = reference
        const at = digest === undefined ? { tag: tag ?? defaultTag } : { digest }
        used.push({ repository: { registry, path }, at, by, protection: name })
      }
    }
    return new ImagesInUse(told, used, names, ignored)
  }
}

function sourcesOf({ files, kubectl }: InUseSources): readonly ImageSource[] {
  return [
    ...(files === undefined ? [] : [{ kind: 'files' as const, ...files }]),
    ...(kubectl === undefined ? [] : [{ kind: 'kubectl' as const, contexts: kubectl.contexts }]),
  ]
}

function listInput(
  list: string,
  context: Context,
): { readonly name: string; readonly read: (call: Call) => AsyncIterable<Uint8Array> } {
  if (list !== '-') {
    const path = resolve(context.cwd, list)
    return { name: list, read: ({ signal }) => createReadStream(path, { signal }) }
  }
  let kept: Promise<readonly Uint8Array[]> | undefined
  return {
    name: 'standard input',
    read: async function* () {
      kept ??= Array.fromAsync(process.stdin as AsyncIterable<Uint8Array>)
      yield* await kept
    },
  }
}
