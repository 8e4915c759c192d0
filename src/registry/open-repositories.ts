import type { Repositories, RepositoryLister, TargetRepository } from '../images/ports.ts'
import { formatRepository, type RepositoryName } from '../oci/reference.ts'
import { RegistryClient, type RegistryClientOptions, RepositoryClient, SharedState } from './client/client.ts'
import { listRepositories } from './client/lists/catalog.ts'
import { redactErrors } from './client/redact-errors.ts'
import {
  blobPorts,
  capabilities,
  deleter,
  listPorts,
  manifestReader,
  manifestWriter,
} from './repository-ports.ts'

/**
 * Opens repositories of registries over HTTP. They share what one run learns: manifests that were
 * read, capabilities of registries, and warnings that were shown.
 */
export function openRepositories(options: RegistryClientOptions): Repositories & RepositoryLister {
  const shared = new SharedState(options)
  const opened = new Map<string, TargetRepository>()
  const open = (name: RepositoryName): TargetRepository => {
    const key = formatRepository(name)
    const repository =
      opened.get(key) ?? redactErrors(compose(new RepositoryClient(shared, name)), shared.secrets)
    opened.set(key, repository)
    return repository
  }
  const lister: RepositoryLister = {
    repositories: (registry, call) => listRepositories(new RegistryClient(shared, registry), call),
  }
  return { source: open, target: open, ...redactErrors(lister, shared.secrets) }
}

/** Each line is a port that another adapter can replace. */
function compose(client: RepositoryClient): TargetRepository {
  return {
    ...manifestReader(client),
    ...manifestWriter(client),
    ...blobPorts(client),
    ...listPorts(client),
    ...capabilities(client),
    ...deleter(client),
  }
}
