import { onTestFinished } from 'vitest'
import type { AccessEntry } from '../../src/embedded/access/access.ts'
import type { ProfileName } from '../../src/embedded/profiles.ts'
import { type ServerOptions, startRegistry } from '../../src/embedded/server.ts'
import {
  artifact,
  type Content,
  cosignSignature,
  image,
  type ImageOptions,
  index,
  type IndexOptions,
  referrer,
  together,
} from './images.ts'
import { Oracle } from './oracle.ts'

export type RegistryKind = ProfileName | ServerOptions

export interface WorldOptions {
  /** the registry of dev and staging; `oci-1.1` by default */
  readonly staging?: RegistryKind
  /** a registry for each target of prod; by default prod is in the registry of staging */
  readonly prod?: readonly RegistryKind[]
}

/** An embedded registry that keeps its requests. */
export interface WatchedRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  readonly oracle: Oracle
  /** the requests since its start or `forget`, including those of the oracle */
  readonly requests: AccessEntry[]
  forget(): void
}

/** For hooks like `beforeAll`, and for `await using`. Tests can use `world()` instead. */
export async function watchedRegistry(kind: RegistryKind = {}): Promise<WatchedRegistry> {
  const requests: AccessEntry[] = []
  const options: ServerOptions = typeof kind === 'string' ? { profile: kind } : kind
  const running = await startRegistry({
    ...options,
    onRequest: (entry) => {
      requests.push(entry)
      options.onRequest?.(entry)
    },
  })
  return {
    host: running.registry,
    oracle: new Oracle(running.registry),
    requests,
    forget: () => void requests.splice(0),
    [Symbol.asyncDispose]: () => running.close(),
  }
}

/** Registries with images, closed after the test. */
export interface World {
  readonly staging: WatchedRegistry
  /** in the order of prod's targets */
  readonly prod: readonly WatchedRegistry[]
  /** each registry once */
  readonly registries: readonly WatchedRegistry[]
  /**
   * a `dray.yaml` with the environments dev, staging and prod, which promote from one another in
   * this order
   */
  readonly config: string
  /** The image with a name like `api:1.4.2`, and its evidence. */
  content(name: string): Content
  /** The requests to all registries during `run`. */
  during(run: () => Promise<unknown>): Promise<readonly AccessEntry[]>
  /** Forgets the requests so far. */
  forget(): void
}

/**
 * Builds a world in one line: `await world().index('api:1.4.2', ['amd64',
 * 'arm64']).signed().start()`.
 */
export function world(options: WorldOptions = {}): WorldBuilder {
  return new WorldBuilder(options)
}

interface Planned {
  readonly name: string
  readonly content: Content
}

/** Images are pushed to `staging/`. Evidence belongs to the image that was added last. */
export class WorldBuilder {
  readonly #options: WorldOptions
  readonly #planned: Planned[] = []

  constructor(options: WorldOptions) {
    this.#options = options
  }

  image(name: string, options: ImageOptions = {}): this {
    return this.has(name, image({ label: name, ...options }))
  }

  index(name: string, platforms: readonly string[], options: IndexOptions = {}): this {
    return this.has(name, index(platforms, { label: name, ...options }))
  }

  artifact(name: string, kind: 'helm' | 'wasm' = 'helm'): this {
    return this.has(name, artifact(kind, name))
  }

  /** Any content, under `name[:tag]`. */
  has(name: string, content: Content): this {
    this.#planned.push({ name, content })
    return this
  }

  /** A signature of the image: a referrer or a cosign tag. */
  signed(as: 'referrer' | 'cosign' = 'referrer'): this {
    const artifactType = 'application/vnd.dev.cosign.artifact.sig.v1+json'
    return this.evidence((of) => (as === 'cosign' ? cosignSignature(of) : referrer(of, { artifactType })))
  }

  /** An SBOM as a referrer, and with `signed` a signature of the SBOM. */
  sbom({ signed = false }: { signed?: boolean } = {}): this {
    return this.evidence((of) => {
      const sbom = referrer(of)
      return signed
        ? together(sbom, referrer(sbom, { artifactType: 'application/vnd.example.signature' }))
        : sbom
    })
  }

  /** Any evidence, like `.evidence((api) => referrer(api.manifests[0].descriptor))` for a child. */
  evidence(make: (content: Content) => Content): this {
    const last = this.#planned.pop()
    if (last === undefined) throw new Error('add an image before its evidence')
    return this.has(last.name, together(last.content, make(last.content)))
  }

  /** Starts the registries, pushes the content, and forgets the requests until then. */
  async start(): Promise<World> {
    const staging = await open(this.#options.staging ?? 'oci-1.1')
    const prod: WatchedRegistry[] = []
    for (const kind of this.#options.prod ?? []) prod.push(await open(kind))
    const opened = [staging, ...prod]
    for (const { name, content } of this.#planned) {
      const [repository = '', ...tags] = name.split(':')
      await staging.oracle.push(content, `staging/${repository}`, ...tags)
    }
    const forget = (): void => opened.forEach((registry) => registry.forget())
    forget()
    const targets = prod.length === 0 ? [staging] : prod
    const contents = new Map(this.#planned.map((p) => [p.name, p.content]))
    return {
      staging,
      prod: targets,
      registries: opened,
      config: configOf(
        staging.host,
        targets.map((target) => target.host),
      ),
      forget,
      content: (name) => {
        const found = contents.get(name)
        if (found === undefined) throw new Error(`${name} is not in this world`)
        return found
      },
      during: async (run) => {
        const before = opened.map((registry) => registry.requests.length)
        await run()
        return opened.flatMap((registry, i) => registry.requests.slice(before[i]))
      },
    }
  }
}

async function open(kind: RegistryKind): Promise<WatchedRegistry> {
  const registry = await watchedRegistry(kind)
  onTestFinished(() => registry[Symbol.asyncDispose]())
  return registry
}

/**
 * A `dray.yaml` in JSON with dev and staging in one registry and a target of prod in each of
 * `prod`.
 */
export function configOf(staging: string, prod: readonly string[] = [staging]): string {
  const at = (registry: string, path: string) => ({ registry, path: `${path}/{image}` })
  const config = {
    version: 1,
    environments: {
      dev: at(staging, 'dev'),
      staging: { ...at(staging, 'staging'), promoteFrom: ['dev'] },
      prod: { targets: prod.map((registry) => at(registry, 'prod')), promoteFrom: ['staging'] },
    },
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
