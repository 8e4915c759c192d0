import type { Call } from '../../lib/call.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { RegistryFacts, WritingFacts } from '../../images/registry-facts.ts'
import { type RegistryOptions, RepositoryClient, Run } from '../client/client.ts'
import { lookAtRegistry } from './look-at-registry.ts'
import { tryRegistry } from './try-registry.ts'

/** Finds out what a registry is like. */
export interface Examiner {
  look(registry: string, path: string | undefined, call: Call): Promise<RegistryFacts>
  /** Writes to the repository, and deletes what it wrote. */
  try(repository: RepositoryName, call: Call): Promise<WritingFacts>
}

export function createExaminer(options: RegistryOptions): Examiner {
  return {
    look: (registry, path, call) => lookAtRegistry(new Run(options), registry, path, call),
    try: (repository, call) => tryRegistry(new RepositoryClient(new Run(options), repository), call),
  }
}
