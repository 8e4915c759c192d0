import { layoutRegistry, type RepositoryName } from '../../oci/reference.ts'
import type { FetchStack } from '../../registry/http/stack.ts'

/**
 * Concurrent requests of a promotion to one registry: five to find the evidence of an image, and as
 * many mounts as it has layers.
 */
const requestsAtOnce = { read: 5, write: 16 } as const

/** Announces the repositories of a run, targets first, so that one token covers all of them. */
export function expectRepositories(
  stack: FetchStack,
  targets: readonly RepositoryName[],
  sources: readonly RepositoryName[],
  access: 'read' | 'write',
): void {
  const scopes = [
    ...targets.map((repository) => ({
      repository,
      actions: access === 'write' ? (['pull', 'push'] as const) : (['pull'] as const),
    })),
    ...sources.map((repository) => ({ repository, actions: ['pull'] as const })),
  ]
  const byRegistry = Map.groupBy(scopes, ({ repository }) => repository.registry)
  byRegistry.delete(layoutRegistry)
  for (const [registry, own] of byRegistry) {
    stack.expectScopes(registry, own)
    if (targets.length > 0) stack.expectAtOnce(registry, requestsAtOnce[access])
  }
}
