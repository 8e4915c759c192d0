import type { Config } from '../../config/config.ts'
import { RegistryNames } from '../../config/registry-names.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import { BlobTable } from '../../usecases/usage/contents/blob-table.ts'
import type { BlobStorage, RepositoryContents } from '../../usecases/usage/contents/repository-contents.ts'

/** The places that store each blob once, by the configuration of their registries. */
export class UsageStorages {
  readonly #registries: Config['registries']
  readonly #names: RegistryNames
  readonly #tables = new Map<string, BlobTable>()

  constructor({ registries }: Config) {
    this.#registries = registries
    this.#names = new RegistryNames(registries)
  }

  /** The blobs of the storage of a repository. */
  tableOf(repository: RepositoryName): BlobTable {
    const key = this.#keyOf(repository)
    const table = this.#tables.get(key) ?? new BlobTable()
    this.#tables.set(key, table)
    return table
  }

  /** Divides repositories by their storages, in the given order. */
  divide(contents: readonly RepositoryContents[]): readonly BlobStorage[] {
    return [...Map.groupBy(contents, ({ repository }) => this.#keyOf(repository)).values()].flatMap(
      (repositories): readonly BlobStorage[] => {
        const [first] = repositories
        if (first === undefined) return []
        const { registry } = first.repository
        const price = this.#registries.get(registry)?.pricePerGiBMonth
        const blobs = this.tableOf(first.repository)
        return [{ registry, blobs, repositories, ...(price !== undefined && { price }) }]
      },
    )
  }

  /** Repositories of one registry share a storage, unless the configuration says otherwise. */
  #keyOf(repository: RepositoryName): string {
    const { registry } = repository
    const isSeparate = this.#registries.get(registry)?.dedupe === 'repository'
    return isSeparate ? this.#names.identity(repository) : `${this.#names.endpoint(registry)}/`
  }
}
