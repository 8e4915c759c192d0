import type { Call } from '../../lib/call.ts'
import type { RepositoryName } from '../../oci/reference.ts'
import type { Fetch } from '../http/fetch.ts'
import type { RegistryFacts, WritingFacts } from '../../images/registry-facts.ts'
import { type RegistryClientOptions, RepositoryClient, SharedState } from '../client/client.ts'
import { checkRegistry } from './check-registry.ts'
import { probeWrites } from './probe-writes.ts'

/** Checks the abilities of a registry. */
export interface Examiner {
  check(registry: string, path: string | undefined, call: Call): Promise<RegistryFacts>
  /** Writes to the repository, and deletes the content again. */
  probeWrites(repository: RepositoryName, call: Call): Promise<WritingFacts>
}

export interface ExaminerOptions extends RegistryClientOptions {
  /** sends requests without authentication */
  readonly anonymous: Fetch
}

export function createExaminer(options: ExaminerOptions): Examiner {
  const { anonymous } = options
  return {
    check: (registry, path, call) =>
      checkRegistry({ shared: new SharedState(options), anonymous, registry, path }, call),
    probeWrites: (repository, call) =>
      probeWrites(new RepositoryClient(new SharedState(options), repository), call),
  }
}
