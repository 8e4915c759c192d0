import type { Call } from '../../lib/call.ts'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { RegistryNames } from '../../config/registry-names.ts'
import type { InUseSources, Protection } from '../../config/retention/policy.ts'
import type { ImageSource } from '../../deployments/inuse/sources.ts'
import { defaultTag, formatAt, type RepositoryName, type TagOrDigest } from '../../oci/reference.ts'
import type { InUseSource as PlannedSource } from '../../plan/prune/prune-plan.ts'
import type { ReferenceInUse } from '../../usecases/prune/policy/policy.ts'
import type { Context } from '../wiring/context.ts'
import type { KnownRepositories } from './known-repositories.ts'

/** The name of a protection by `--in-use`. */
const listName = '--in-use'

/** An image in use, with the reference to it. */
interface Use {
  readonly repository: RepositoryName
  /** the same for all names of the repository */
  readonly identity: string
  readonly image: ReferenceInUse
}

/** All images in use, with their sources. */
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
   * The images in use in a repository, under any of its names: those of lists, and those of the
   * given protections, or of all. After them come references that differ in the host only: that
   * host may serve the same repositories although dray.yaml does not say so.
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
   * The distinct references to repositories that dray does not know.
   * @param kept references that keep an image although their host is another one; they are not
   * returned
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

/** Reads the images in use: from the sources of a policy and from the lists of `--in-use`. */
export class InUseReader {
  readonly #protections: readonly Protection[]
  readonly #lists: readonly ImageSource[]
  readonly #context: Context

  /** @param lists files, or `-` for standard input, which is read only once */
  constructor(protections: readonly Protection[], lists: readonly string[], context: Context) {
    this.#protections = protections
    this.#lists = lists.map((list) => ({ kind: 'list', ...listInput(list, context) }))
    this.#context = context
  }

  /** @throws what the sources throw. A source that cannot be read never counts as an empty one. */
  async read(call: Call): Promise<ImagesInUse> {
    const protections = [
      ...this.#protections.flatMap((one) =>
        one.kind === 'inUse' ? [{ name: one.name, sources: sourcesOf(one.inUse) }] : [],
      ),
      ...(this.#lists.length > 0 ? [{ name: listName, sources: this.#lists }] : []),
    ]
    const names = new RegistryNames((await this.#context.config()).config.registries)
    const ignored = this.#protections.flatMap((one) =>
      one.kind === 'inUse' ? (one.inUse.ignoreHosts ?? []) : [],
    )
    if (protections.length === 0) return new ImagesInUse([], [], names, ignored)
    const { listImagesInUse } = await import('../../deployments/inuse/sources.ts')
    const ports = { env: this.#context.env, clock: this.#context.clock }
    const read: PlannedSource[] = []
    const used: (ReferenceInUse & { readonly repository: RepositoryName })[] = []
    for (const { name, sources } of protections) {
      const found = await listImagesInUse(sources, ports, call)
      read.push(...found.sources)
      for (const { reference, by } of found.images) {
        const { registry, path, tag, digest } = reference
        const at = digest === undefined ? { tag: tag ?? defaultTag } : { digest }
        used.push({ repository: { registry, path }, at, by, protection: name })
      }
    }
    return new ImagesInUse(read, used, names, ignored)
  }

  /** Reads again what is in use in each repository. @throws as `read`. */
  async readUsed(
    known: KnownRepositories,
    call: Call,
  ): Promise<(repository: RepositoryName) => readonly TagOrDigest[]> {
    const inUse = await this.read(call)
    return (repository) => inUse.in(repository, known).map(({ at }) => at)
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
