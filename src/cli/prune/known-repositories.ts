import type { Config } from '../../config/config.ts'
import { findImagesAt } from '../../config/environments.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import { matchesRepository, type RepositoryPattern } from '../../selectors/repository-pattern.ts'
import type { RetentionPolicy } from '../../config/retention/policy.ts'
import type { RepositoryName } from '../../oci/reference.ts'

/** The repositories of environments, of the patterns of a policy, and in the scope of a run. */
export class KnownRepositories {
  readonly #config: Config
  readonly #names: RegistryNames
  readonly #patterns: readonly RepositoryPattern[]
  readonly #known: Map<string, boolean>

  /** @param retention undefined: dray.yaml has no policy */
  constructor(
    config: Config,
    retention: Pick<RetentionPolicy, 'protect' | 'rules'> | undefined,
    repositories: readonly RepositoryName[],
  ) {
    this.#config = config
    this.#names = new RegistryNames(config.registries)
    const parts = [...(retention?.protect ?? []), ...(retention?.rules ?? [])]
    this.#patterns = parts.flatMap(({ repositories: patterns = [] }) => patterns)
    this.#known = new Map(repositories.map((one) => [this.#names.identity(one), true]))
  }

  /** Whether dray knows a repository, under any of its names. */
  has(repository: RepositoryName): boolean {
    const identity = this.#names.identity(repository)
    const known = this.#known.get(identity) ?? this.#isConfigured(repository)
    this.#known.set(identity, known)
    return known
  }

  #isConfigured(repository: RepositoryName): boolean {
    const images = findImagesAt(this.#config, repository)
    return (
      images.length > 0 ||
      this.#patterns.some((pattern) => matchesRepository(pattern, repository, images, this.#names))
    )
  }
}
