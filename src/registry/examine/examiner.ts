import type { Call } from '../../lib/call.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { RegistryFacts, WritingFacts } from '../../images/registry-facts.ts'
import { type RegistryClientOptions, RepositoryClient, SharedState } from '../client/client.ts'
import { checkRegistry } from './check-registry.ts'
import { probeWrites } from './probe-writes.ts'

/** Finds out what a registry can do. */
export interface Examiner {
  check(registry: string, path: string | undefined, call: Call): Promise<RegistryFacts>
  /** Writes to the repository, and deletes what it wrote. */
  probeWrites(repository: RepositoryName, call: Call): Promise<WritingFacts>
}

export function createExaminer(options: RegistryClientOptions): Examiner {
  return {
    check: (registry, path, call) => checkRegistry(new SharedState(options), registry, path, call),
    probeWrites: (repository, call) =>
      probeWrites(new RepositoryClient(new SharedState(options), repository), call),
  }
}
