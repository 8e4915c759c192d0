import { defaultRegistry, type RepositoryName, wholePath } from '../oci/reference.ts'
import { isLoopback, isPlain, splitRegistry, withoutUsualPort } from '../oci/registry-host.ts'
import type { Config, RegistryAlias } from './config.ts'

type Registries = Config['registries']

export interface PathAtRegistry {
  readonly path: string
  /** whether the repository was given by this registry's own name or an alias of `dray.yaml` */
  readonly isNamed: boolean
}

interface KnownAlias extends RegistryAlias {
  /** the registry that the alias belongs to */
  readonly of: string
  readonly endpoint: string
  readonly endpointOf: string
}

/** This host serves the repositories of Docker Hub (docker/hub-feedback, issue 2113). */
const dockerHubAlias = 'registry.hub.docker.com:443'

/**
 * Compares the names of registries by the aliases of `dray.yaml`, which form no circle, so that its
 * rules hold under each name. dray connects to a registry, and sends it credentials, only under the
 * name that was given.
 */
export class RegistryNames {
  readonly #registries: Registries
  readonly #aliases: readonly KnownAlias[]

  constructor(registries: Registries) {
    this.#registries = registries
    this.#aliases = [...registries]
      .flatMap(([of, { aliases = [] }]) => aliases.map((alias) => this.#known(alias, of)))
      .filter(({ prefix, endpoint, endpointOf }) => prefix !== '' || endpoint !== endpointOf)
      .sort((a, b) => b.prefix.length - a.prefix.length)
  }

  /** Removes the default port of the scheme from a name: 443 for https, 80 for plain http. */
  canonical(registry: string): string {
    const { host } = splitRegistry(registry)
    const isPlainHttp = isPlain(host, this.#registries.get(host))
    const own = this.#registries.get(registry)
    if (own !== undefined && isPlain(registry, own) !== isPlainHttp) return registry
    return withoutUsualPort(registry, isPlainHttp)
  }

  /** One text for all names of a repository, for comparisons. It is not a reference. */
  identity(repository: RepositoryName): string {
    const { registry, path } = this.#root(repository)
    return `${this.endpoint(registry)}/${path}`
  }

  /** One name for a lock, for all names of a registry. @param name begins with the repository */
  lockName(name: string): string {
    const slash = name.indexOf('/')
    return `${this.endpoint(name.slice(0, slash))}${name.slice(slash)}`
  }

  /** Returns the paths of a repository at a registry; several if aliases have prefixes. */
  pathsAt(registry: string, repository: RepositoryName): readonly PathAtRegistry[] {
    const endpoint = this.endpoint(registry)
    const own = this.canonical(registry)
    const paths = this.#namesOf(repository)
      .filter((name) => this.endpoint(name.registry) === endpoint)
      .map((name) => ({ path: name.path, isNamed: this.canonical(name.registry) === own }))
    // The first entry of a path is the one closest to the given name.
    return [...new Map(paths.toReversed().map((one) => [one.path, one])).values()].toReversed()
  }

  /** Returns host and port; all loopback names, and all names of Docker Hub, have the same one. */
  endpoint(registry: string): string {
    const { host, port = isPlain(registry, this.#registries.get(registry)) ? '80' : '443' } =
      splitRegistry(registry)
    const endpoint = `${isThisMachine(host) ? 'localhost' : host}:${port}`
    return endpoint === dockerHubAlias ? `${defaultRegistry}:443` : endpoint
  }

  #known(alias: RegistryAlias, of: string): KnownAlias {
    return { ...alias, of, endpoint: this.endpoint(alias.registry), endpointOf: this.endpoint(of) }
  }

  /** The name of a repository with all aliases replaced. */
  #root(repository: RepositoryName): RepositoryName {
    if (this.#aliases.length === 0) return repository
    const endpoint = this.endpoint(repository.registry)
    const alias = this.#aliases.find(
      (one) =>
        one.endpoint === endpoint && (one.prefix === '' || repository.path.startsWith(`${one.prefix}/`)),
    )
    if (alias === undefined) return repository
    const path = alias.prefix === '' ? repository.path : repository.path.slice(alias.prefix.length + 1)
    return this.#root({ registry: alias.of, path: wholePath(alias.of, path) })
  }

  /** All names of a repository: its own, the root and the aliases of the root. */
  #namesOf(repository: RepositoryName): readonly RepositoryName[] {
    const root = this.#root(repository)
    return [repository, root, ...this.#aliasesOf(root)]
  }

  #aliasesOf({ registry, path }: RepositoryName): readonly RepositoryName[] {
    if (this.#aliases.length === 0) return []
    const endpoint = this.endpoint(registry)
    return this.#aliases
      .filter(({ endpointOf }) => endpointOf === endpoint)
      .flatMap((alias) => {
        const name = {
          registry: alias.registry,
          path: alias.prefix === '' ? path : `${alias.prefix}/${path}`,
        }
        return [name, ...this.#aliasesOf(name)]
      })
  }
}

/** Whether a name is of this machine, as the unspecified address is on Linux. */
function isThisMachine(host: string): boolean {
  return isLoopback(host) || host === '0.0.0.0' || host === '[::]' || host.endsWith('.localhost')
}
