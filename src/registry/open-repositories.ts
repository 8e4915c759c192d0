import type { Repositories, RepositoryLister, TargetRepository } from '../images/ports.ts'
import { formatRepository, type RepositoryName } from '../oci/reference.ts'
import { RegistryClient, type RegistryClientOptions, RepositoryClient, SharedState } from './client/client.ts'
import { listRepositories } from './client/lists/catalog.ts'
import { redactErrors } from './client/redact-errors.ts'
import { deleterFor, type VendorDeleter } from './deleters.ts'
import { blobPorts, capabilities, listPorts, manifestReader, manifestWriter } from './repository-ports.ts'

/**
 * Opens repositories of registries over HTTP. They share what one run learns: manifests that were
 * read, capabilities of registries, and warnings that were shown.
 * @param vendors replaces the table of `deleters.ts`
 */
export function openRepositories(
  options: RegistryClientOptions,
  vendors?: readonly VendorDeleter[],
): Repositories & RepositoryLister {
  const shared = new SharedState(options)
  const opened = new Map<string, TargetRepository>()
  const open = (name: RepositoryName): TargetRepository => {
    const key = formatRepository(name)
    const repository =
      opened.get(key) ?? redactErrors(compose(new RepositoryClient(shared, name), vendors), shared.secrets)
    opened.set(key, repository)
    return repository
  }
  const lister: RepositoryLister = {
    repositories: (registry, call) => listRepositories(new RegistryClient(shared, registry), call),
  }
  return { source: open, target: open, ...redactErrors(lister, shared.secrets) }
}

/** Each line is a port that another adapter can replace. */
function compose(client: RepositoryClient, vendors: readonly VendorDeleter[] | undefined): TargetRepository {
  return {
    ...manifestReader(client),
    ...manifestWriter(client),
    ...blobPorts(client),
    ...listPorts(client),
    ...capabilities(client),
    ...deleterFor(client, vendors),
  }
}
